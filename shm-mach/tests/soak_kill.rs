//! A soak: children send as fast as they can and are killed at random, again and again. What a send
//! acknowledged is received, once, whole, in order; nothing is left.

mod common;

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use common::random::Random;
use common::raw;
use common::watchdog::Watchdog;
use common::{inherited, role, sockets, spawn};
use shm_mach::{Joined, Message, Options, Received, Wait, join};

/// How long there are new children, and how many at a time. Most of them are dead: it takes up to a
/// second until their receiver asks the kernel.
const SOAK: Duration = Duration::from_secs(8);
const SENDERS: u64 = 24;

/// The body of message `number` of the child with this seed: random bytes, of a random size.
fn body(seed: u64, number: u64) -> Vec<u8> {
    let mut random = Random::new(seed << 40 ^ number);
    let size = random.pick(&[0, 8, 31, 32, 33, 200, 4096, 20_000]);
    (0..size).map(|_| random.next() as u8).collect()
}

/// Sends for ever; notes each send that has returned in a file that survives its death.
fn sender() {
    let socket = inherited();
    let mut seed = [0; 8];
    let note = File::from(raw::receive(&socket, &mut seed).1.pop().unwrap());
    let seed = u64::from_le_bytes(seed);
    let joined = join(socket, &Options::default().queue_limit(16)).unwrap();
    joined.send.set_wait([Wait::Park, Wait::Adaptive][seed as usize % 2]);
    for number in 1u64.. {
        let id = (number % 1000) as i32;
        joined.send.send(Message::new(id, &body(seed, number))).unwrap();
        note.write_all_at(&number.to_le_bytes(), 0).unwrap();
    }
}

/// Receives everything of one child; says how much.
fn receive_all(joined: &Joined, seed: u64) -> u64 {
    let mut message = Received::new();
    for number in 1u64.. {
        joined.receive.receive(&mut message).unwrap();
        if message.notification().is_some() {
            return number - 1;
        }
        assert_eq!(message.sender(), joined.peer);
        assert_eq!(message.id(), (number % 1000) as i32, "seed {seed}: lost, twice or out of order");
        assert!(message.body() == body(seed, number), "seed {seed}: message {number} is torn");
    }
    0
}

/// One child's life. Says what was acknowledged and what was received.
fn life(test: &str, seed: u64, random: &mut Random) -> (u64, u64) {
    let (ours, theirs) = sockets();
    let note = rustix::fs::memfd_create(c"note", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let mut peer = spawn(test, "sender", theirs);
    raw::send(&ours, &seed.to_le_bytes(), &[note.as_fd()]);
    let joined = join(ours, &Options::default().queue_limit([5, 16, 256][seed as usize % 3])).unwrap();
    joined.receive.set_wait([Wait::Park, Wait::Adaptive, Wait::Park][seed as usize % 3]);
    let after = Duration::from_micros(random.below(60_000) as u64);
    let killer = std::thread::spawn(move || {
        std::thread::sleep(after);
        peer.kill();
    });
    let received = receive_all(&joined, seed);
    killer.join().unwrap();
    let mut acknowledged = [0; 8];
    let _ = rustix::io::pread(&note, &mut acknowledged, 0).unwrap(); // nothing, if nothing was noted
    (u64::from_le_bytes(acknowledged), received)
}

/// Fails if an acknowledged message is lost, one comes twice, torn or out of order, a receiver is not
/// woken, or a link is left behind.
#[test]
fn nothing_acknowledged_is_lost() {
    const NAME: &str = "nothing_acknowledged_is_lost";
    if role().is_some() {
        return sender();
    }
    let _watchdog = Watchdog::start(NAME, 100);
    let until = Instant::now() + SOAK;
    let lives = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..SENDERS)
            .map(|thread| {
                scope.spawn(move || {
                    let mut random = Random::new(thread);
                    let mut sums = (0, 0, 0, 0);
                    for n in 0.. {
                        let (acknowledged, received) = life(NAME, n * SENDERS + thread, &mut random);
                        assert!(received >= acknowledged, "{acknowledged} acknowledged, {received} received");
                        // One message may be published and not yet acknowledged.
                        assert!(
                            received <= acknowledged + 1,
                            "{acknowledged} acknowledged, {received} received"
                        );
                        let (lives, sent, got, more) = sums;
                        sums =
                            (lives + 1, sent + acknowledged, got + received, more + received - acknowledged);
                        if Instant::now() > until {
                            break;
                        }
                    }
                    sums
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let sum = lives.iter().fold((0, 0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2, a.3 + b.3));
    println!(
        "{} children killed: {} acknowledged, {} received, {} of them not acknowledged",
        sum.0, sum.1, sum.2, sum.3
    );
    assert!(sum.0 > 10 && sum.1 > 1000);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    assert!(!maps.contains("memfd:shm-mach"), "a link was left behind");
    let fds = std::fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(fds < 30, "{fds} descriptors are open");
}
