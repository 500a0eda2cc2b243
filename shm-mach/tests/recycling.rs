//! Lanes, rights and ports are used and given back many thousand times: nothing runs out.

mod common;

use common::meet::joined_with;
use common::watchdog::Watchdog;
use common::{inherited, role};
use shm_mach::{Geometry, Message, Options, ReceiveError, Received, Right, SendFailure, join};

/// 10,000 clones of a right, each sends once and is dropped. A link has 255 lanes: fails if one of
/// them is not given back, or if a lane's next life sees a slot of the one before.
#[test]
fn ten_thousand_clones_share_the_lanes_of_a_link() {
    const NAME: &str = "ten_thousand_clones_share_the_lanes_of_a_link";
    const ROUND: i32 = 100;
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let mut message = Received::new();
        for round in 0..100 {
            for n in 0..ROUND {
                let clone = joined.send.clone();
                let id = round * ROUND + n;
                let body = vec![n as u8; [3, 300][n as usize % 20 / 19]];
                clone.send(Message::new(id, &body)).unwrap();
            }
            joined.receive.receive(&mut message).unwrap();
        }
        return;
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (joined, peer) = joined_with(NAME, "sender", &Options::default());
    let mut message = Received::new();
    for round in 0..100 {
        let mut seen: Vec<i32> = (0..ROUND)
            .map(|_| {
                joined.receive.receive(&mut message).unwrap();
                assert!(message.notification().is_none());
                assert!(message.body().iter().all(|byte| i32::from(*byte) == message.id() % ROUND));
                message.id()
            })
            .collect();
        seen.sort_unstable(); // clones have no order among each other
        assert_eq!(seen, (round * ROUND..(round + 1) * ROUND).collect::<Vec<_>>());
        joined.send.send(Message::new(0, b"next")).unwrap();
    }
    peer.finish();
}

/// 2,000 ports die while their sender has a lane open to them. Fails if a lane of a dead port is not
/// given back: 255 would be the end.
#[test]
fn dead_ports_give_the_lanes_of_their_senders_back() {
    const NAME: &str = "dead_ports_give_the_lanes_of_their_senders_back";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let mut message = Received::new();
        loop {
            joined.receive.receive(&mut message).unwrap();
            if message.notification().is_some() {
                return;
            }
            let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
            right.send(Message::new(message.id(), b"in")).unwrap();
            joined.send.send(Message::new(0, b"go on")).unwrap();
            let failure = loop {
                match right.try_send(Message::new(0, b"until it dies")) {
                    Ok(()) => {}
                    Err(error) if error.failure() == SendFailure::TimedOut => {}
                    Err(error) => break error.failure(),
                }
            };
            assert_eq!(failure, SendFailure::PortDied);
            joined.send.send(Message::new(1, b"dead")).unwrap();
        }
    }
    let _watchdog = Watchdog::start(NAME, 100);
    let (joined, peer) = joined_with(NAME, "sender", &Options::default().queue_limit(8));
    let mut message = Received::new();
    for n in 0..2000 {
        let port = joined.task.allocate().unwrap();
        joined.send.send(Message::new(n, b"").with_right(port.make_send())).unwrap();
        port.receive(&mut message).unwrap();
        assert_eq!(message.id(), n);
        joined.receive.receive(&mut message).unwrap();
        assert_eq!(message.id(), 0);
        drop(port);
        joined.receive.receive(&mut message).unwrap();
        assert_eq!(message.id(), 1);
    }
    drop(joined);
    peer.finish();
}

/// The smallest geometry, where the control lane is full at once: what could not be told when a right
/// was dropped is told as soon as there is room, though the program does nothing for it. Fails if news
/// that found the control lane full are only told with the next news.
#[test]
fn rights_that_were_dropped_beside_a_full_control_lane_are_given_back() {
    const NAME: &str = "rights_that_were_dropped_beside_a_full_control_lane_are_given_back";
    let tiny = Options::default().geometry(Geometry { slots: 8, areas: 0, area_bytes: 0 });
    if role().is_some() {
        let joined = join(inherited(), &tiny).unwrap();
        let clones: Vec<_> = (0..50).map(|_| joined.send.clone()).collect();
        let sent = clones.iter().take_while(|clone| clone.try_send(Message::new(0, b"")).is_ok()).count();
        assert!(sent < 50, "the control lane must be full for this test");
        drop((clones, joined.send));
        let mut message = Received::new();
        // Sleeps in the library, as a server does; is killed by the parent.
        let ended = joined.receive.receive(&mut message);
        panic!("{ended:?} {message:?}");
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (joined, _peer) = joined_with(NAME, "sender", &Options::default());
    std::thread::sleep(std::time::Duration::from_millis(300)); // all dropped by now, nothing read
    let mut message = Received::new();
    loop {
        joined.receive.receive(&mut message).unwrap();
        if message.notification().is_some() {
            break;
        }
    }
    assert_eq!(joined.receive.try_receive(&mut message), Err(ReceiveError::TimedOut));
}
