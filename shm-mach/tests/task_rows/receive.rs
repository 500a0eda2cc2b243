//! Taking messages.

use super::*;

#[test]
fn o2_t3_messages_are_numbered_as_they_are_taken() {
    let (here, there) = pair();
    let port = &here.receive;
    let own = port.make_send();
    let mut message = Received::new();
    let mut take = || {
        port.receive_deadline(&mut message, soon()).unwrap();
        message.seqno()
    };
    there.send.send(Message::new(1, b"of the other task")).unwrap();
    assert_eq!(take(), 0);
    own.send(Message::new(2, b"of the task itself")).unwrap();
    assert_eq!(take(), 1);
    here.send.send(Message::new(3, b"").reply_to(port.make_send_once())).unwrap();
    let mut request = Received::new();
    there.receive.receive_deadline(&mut request, soon()).unwrap();
    assert_eq!(request.seqno(), 0, "each port counts for itself");
    request.take_reply().unwrap().send(Message::new(4, b"an answer")).unwrap();
    assert_eq!(take(), 2);
    drop(port.make_send_once());
    assert_eq!(take(), 3, "a notification");
    for id in 0..100 {
        [&there.send, &own][id % 2].send(Message::new(id as i32, b"")).unwrap();
    }
    for number in 4..104 {
        assert_eq!(take(), number);
    }
}

#[test]
fn v2_what_is_there_is_taken_when_the_time_is_up() {
    let (here, there) = pair();
    let port = &here.receive;
    let own = port.make_send();
    let past = Deadline::after(Duration::ZERO);
    let mut message = Received::new();
    for round in 0..3 {
        let nothing = port.receive_deadline(&mut message, past).unwrap_err();
        assert_eq!((nothing, nothing.code()), (ReceiveError::TimedOut, 0x1000_4003));
        there.send.send(Message::new(round, b"")).unwrap();
        own.send(Message::new(round + 10, b"")).unwrap();
        let ids = [(); 2].map(|()| {
            port.receive_deadline(&mut message, past).unwrap();
            message.id()
        });
        assert_eq!(ids, [round, round + 10]);
    }
}

#[test]
fn v2_each_message_goes_to_one_of_several_threads() {
    const THREADS: usize = 4;
    const COUNT: i32 = 400;
    let _watchdog = Watchdog::start("v2_each_message_goes_to_one_of_several_threads", 60);
    let (here, there) = pair();
    let own = here.receive.make_send();
    let mut all = std::thread::scope(|scope| {
        let receive = || {
            let ids = std::iter::repeat_with(|| next(&here.receive));
            ids.take_while(|id| *id >= 0).collect::<Vec<i32>>()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(receive)).collect();
        for id in 0..COUNT {
            if id % 100 == 0 {
                a_while(); // they sleep by now
            }
            [&there.send, &own][id as usize % 2].send(Message::new(id, b"")).unwrap();
        }
        for _ in 0..THREADS {
            there.send.send(Message::new(-1, b"enough")).unwrap();
        }
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<i32>>()
    });
    is_empty(&here.receive);
    all.sort_unstable();
    assert_eq!(all, (0..COUNT).collect::<Vec<_>>());
}

#[test]
fn v8_a_signal_ends_no_receive() {
    let _watchdog = Watchdog::start("v8_a_signal_ends_no_receive", 60);
    common::sys::interrupt_by_signals();
    let (here, there) = pair();
    let receiver = std::thread::spawn(move || {
        here.receive.set_wait(Wait::Park);
        next(&here.receive)
    });
    for _ in 0..10 {
        a_while();
        common::sys::interrupt(&receiver);
    }
    assert!(!receiver.is_finished());
    there.send.send(Message::new(1, b"")).unwrap();
    assert_eq!(receiver.join().unwrap(), 1);
}

#[test]
fn b1_dead_arrives_as_dead_in_its_place() {
    let (here, there) = pair();
    let port = here.task.allocate().unwrap();
    let message = Message::new(1, b"").with_right(Right::Dead).with_right(port.make_send());
    here.send.send(message.with_right(Right::Dead)).unwrap();
    let mut message = Received::new();
    there.receive.receive_deadline(&mut message, soon()).unwrap();
    let [Right::Dead, Right::Send(living), Right::Dead] = message.rights() else { panic!("{message:?}") };
    assert!(fits(living, 2));
    assert_eq!(next(&port), 2);
}
