//! Sleeping without `membarrier`: where a side never promised it, and where it is taken away later.

mod common;

use std::time::Duration;

use common::random::Random;
use common::sys::{self, Verdict};
use common::watchdog::Watchdog;
use common::{inherited, role, sockets, spawn};
use shm_mach::{Deadline, Joined, Message, Options, Received, Wait, join};

const ROUNDS: i32 = 6000;

/// Round trips with pauses of every length about the time that a thread takes to fall asleep: both
/// sides go to sleep, are woken, and meet each other on the way, thousands of times.
fn stress(joined: &Joined, seed: u64, begins: bool) {
    let mut random = Random::new(seed);
    let mut message = Received::new();
    joined.receive.set_wait(Wait::Park);
    for id in 0..ROUNDS {
        if begins {
            joined.send.send(Message::new(id, &id.to_le_bytes())).unwrap();
        }
        // A wake-up that was lost is found by the look after a second: too late for all but a few.
        let soon = Deadline::after(Duration::from_secs(20));
        joined.receive.receive_deadline(&mut message, soon).unwrap();
        assert_eq!((message.id(), message.body()), (id, &id.to_le_bytes()[..]));
        for _ in 0..random.below(200) * random.below(20) {
            std::hint::spin_loop();
        }
        if !begins {
            joined.send.send(Message::new(id, message.body())).unwrap();
        }
    }
}

fn options(symmetric: bool) -> Options {
    if symmetric { Options::default().without_membarrier() } else { Options::default() }
}

/// Fails if the two sides do not agree on a fence when only one of them promises `membarrier`: then a
/// wake-up is lost now and then, and costs a second each. The watchdog counts those seconds.
#[test]
fn either_side_or_both_do_without_membarrier() {
    const NAME: &str = "either_side_or_both_do_without_membarrier";
    if let Some(role) = role() {
        let joined = join(inherited(), &options(role == "symmetric")).unwrap();
        return stress(&joined, 3, false);
    }
    let _watchdog = Watchdog::start(NAME, 60);
    for (ours, theirs) in [(true, true), (true, false), (false, true), (false, false)] {
        let (socket, other) = sockets();
        let peer = spawn(NAME, if theirs { "symmetric" } else { "asymmetric" }, other);
        let joined = join(socket, &options(ours)).unwrap();
        stress(&joined, 4, true);
        peer.finish();
    }
}

/// How often this thread went to sleep.
fn sleeps() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The child enters a sandbox after it has joined: its heavy fence fails from then on, though the peer
/// counts on it. Fails if it then sleeps without a bound.
#[test]
fn membarrier_that_is_taken_away_later() {
    const NAME: &str = "membarrier_that_is_taken_away_later";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        sys::forbid(&[libc::SYS_membarrier], Verdict::Refuse);
        stress(&joined, 5, false);
        let before = sleeps();
        let soon = Deadline::after(Duration::from_millis(500));
        joined.receive.receive_deadline(&mut Received::new(), soon).unwrap_err();
        let slept = sleeps() - before;
        assert!(slept > 50, "{slept} sleeps in half a second: nothing says that a wake-up comes");
        // And as a sender that sleeps for room.
        for id in 0..3000 {
            joined.send.send(Message::new(id, &[1; 40])).unwrap();
        }
        return;
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (ours, theirs) = sockets();
    let peer = spawn(NAME, "sandboxed", theirs);
    let joined = join(ours, &Options::default()).unwrap();
    stress(&joined, 6, true);
    let mut message = Received::new();
    for id in 0..3000 {
        joined.receive.receive(&mut message).unwrap();
        assert_eq!((message.id(), message.body()), (id, &[1; 40][..]));
        if id % 300 == 0 {
            std::thread::sleep(Duration::from_millis(2)); // let the queue fill
        }
    }
    peer.finish();
}
