//! Hostile peers, in a process of their own and, where the test runs as root, under another uid. They
//! write what they like into every byte that is theirs to write; the victim neither crashes nor hangs
//! nor believes anything of them, and its other peer notices nothing.

mod common;

use std::num::NonZeroU32;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::random::Random;
use common::raw::{self, Raw, SMALL};
use common::watchdog::Watchdog;
use common::{inherited, role, sockets, spawn, sys};
use futex::sync::Ordering as Order;
use shm_mach::ring::layout::place;
use shm_mach::ring::slot::{Head, Kind, Token, seq};
use shm_mach::wire::control::{Control, End};
use shm_mach::{Deadline, Identity, Joined, Message, Options, Received, Wait, join};

/// How long a liar lies in one link, and how many links it gets, each with a seed of its own.
const ROUND: Duration = Duration::from_millis(120);
const ROUNDS: u64 = 48;

/// An offset of some word of the half, the interesting places more often.
fn some_place(random: &mut Random, size: usize) -> usize {
    let (base, length) = random.pick(&[
        (place::HEADER, 64),
        (place::BELLS, 64 * 64),
        (place::DIRECTORY, 8 * 128),
        (place::FLAGS, 8 * 128),
        (place::CURSORS, 8 * 128),
        (place::REPLIES, 16 * 64),
        (place::REPLY_FLAGS, 16 * 64),
        (place::RINGS, 8 * SMALL.slots * 64),
        (0, size),
    ]);
    (base + random.below(length)).min(size - 8)
}

/// A value, random or close to what an honest peer would write.
fn some_value(random: &mut Random) -> u64 {
    let near = random.below(80) as u64;
    match random.below(6) {
        0 => random.next(),
        1 => near,
        2 => near | near << 32,
        3 => u64::MAX - near,
        4 => 1 << random.below(64),
        _ => near | (random.next() & 0xffff_ffff) << 32,
    }
}

/// A head with the right sequence number and anything else.
fn some_head(random: &mut Random) -> Head {
    let token = Token { slot: random.next() as u16, generation: random.below(4) as u32 };
    Head {
        kind: if random.below(9) == 0 { Kind::Close } else { Kind::Message },
        id: random.next() as i32,
        length: random.pick(&[0, 5, 32, 33, 4096, 9000, 65_536, (1 << 24) - 1]),
        rights: random.pick(&[0, 0, 0, 1, 3, 500, 1023]),
        reply: (random.below(3) == 0).then_some(token),
        stamp: random.next(),
        payload_at: random.pick(&[0, 64, 4096, 65_472, 65_536, u32::MAX as usize * 64]),
        region: NonZeroU32::new(random.pick(&[0, 0, 0, 1, 2, u32::MAX])),
    }
}

/// Something for the control lane.
fn some_news(random: &mut Random, raw: &Raw) -> Control {
    let lane = random.pick(&[1, 2, 3, 0, 255, 256, u32::MAX]);
    let position = random.pick(&[0, 1, 63, u64::from(u32::MAX) - 1, u64::MAX, u64::MAX - 1]);
    let wrong = random.pick(&[0, 0, 0, 1]);
    match random.below(11) {
        0 | 1 => Control::Opened {
            lane,
            generation: random.pick(&[1, 2, u32::MAX]),
            port: raw.hello.port + wrong,
            epoch: random.pick(&[0, 0, 0, 1, u32::MAX]),
            key: raw.hello.key ^ u64::from(wrong),
            start: position,
        },
        2 => Control::Returned { port: raw.hello.port, epoch: 0, key: raw.hello.key, count: position, by: 0 },
        3 => Control::Unsent { port: wrong, epoch: 0, key: raw.hello.key, receiver: position },
        4 => Control::Settled {
            port: raw.hello.port,
            epoch: 0,
            key: raw.hello.key,
            held: 0,
            issuer: random.pick(&[0, 1, position]),
        },
        5 => Control::Claimed { lane, generation: 1, number: position, start: position },
        6 => {
            let token = Token { slot: random.below(3) as u16, generation: random.below(4) as u32 };
            Control::Dropped { number: position, token }
        }
        7 => Control::Retired { region: NonZeroU32::MIN },
        8 => {
            Control::Watched { port: raw.hello.port + wrong, epoch: 0, key: raw.hello.key, serial: position }
        }
        9 => Control::Ended {
            port: random.pick(&[0, 1, 2]),
            epoch: random.pick(&[0, 1, u32::MAX]),
            key: random.pick(&[raw.hello.key, position]),
            serial: position,
            end: random.pick(&[End::Died, End::Revoked, End::Void]),
        },
        _ => Control::Abandoned { lane, end: position },
    }
}

/// Lies for one round. The first lies of most rounds are small, so that the victim is still listening
/// when the others come.
fn lie(raw: &mut Raw, seed: u64) {
    let mut random = Random::new(seed);
    let size = raw.geometry.size();
    let start = random.pick(&[0, 0, 0, 0, 0, 62, 1 << 32, u64::MAX << 32, u64::MAX]);
    raw.tell(raw.opened(1, 1, start));
    let mut position = start;
    let until = Instant::now() + ROUND;
    let mut lies = 0u64;
    while Instant::now() < until {
        lies += 1;
        let wild = lies > 3000;
        match (seed + random.below(3) as u64) % 6 {
            0 if wild || seed.is_multiple_of(6) => {
                raw.word(some_place(&mut random, size)).store(some_value(&mut random), Order::Relaxed)
            }
            1 if wild => raw.tell(some_news(&mut random, raw)),
            2 if wild => {
                raw.publish(1, position, some_head(&mut random), &[7; 32]);
                position = position.wrapping_add(1);
            }
            3 => raw.ring(random.below(64)),
            4 => {
                // The answers to the victim's own sends: positions and limits that go anywhere.
                let (flags, cursor) = raw.answers(random.below(4));
                cursor.position.store(some_value(&mut random) as u32, Order::Relaxed);
                let generation = 1u64 << 32 | random.below(0x800) as u64 & !0x100;
                flags.word.store(if wild { some_value(&mut random) } else { generation }, Order::Relaxed);
                flags.limit.store(some_value(&mut random) as u32, Order::Relaxed);
            }
            _ => {
                if position.wrapping_sub(u64::from(raw.read_to(1))) as u32 <= 60 {
                    raw.send(1, position, 4, b"honest for now");
                    position = position.wrapping_add(1);
                }
                // The sequence words of slots that the victim looks at next.
                let ahead = position.wrapping_add(random.below(4) as u64);
                if wild {
                    raw.slot(random.below(4), ahead).words[0]
                        .store(u64::from(seq(ahead)) | some_value(&mut random) << 32, Order::Relaxed);
                }
            }
        }
    }
}

/// The liar's process: gets a socket for each round over its own.
fn liar() {
    let carrier = inherited();
    sys::become_uid(sys::NOBODY);
    let mut seed = [0; 8];
    loop {
        let (length, mut fds) = raw::receive(&carrier, &mut seed);
        let Some(socket) = fds.pop().filter(|_| length == 8) else { return };
        lie(&mut Raw::join(socket, SMALL), u64::from_le_bytes(seed));
    }
}

/// One look at whatever the liar sends; says what came.
fn listen(joined: &Joined, message: &mut Received, wait: Duration) -> bool {
    if joined.receive.receive_deadline(message, Deadline::after(wait)).is_err() {
        return false;
    }
    let sender = message.sender();
    assert!(sender == joined.peer || sender == Identity::KERNEL, "delivered as if from {sender:?}");
    assert!(sender == joined.peer || message.notification().is_some());
    true
}

/// What the victim does with a liar for a round: everything that a program does.
fn deal_with_liar(joined: &Joined, seed: u64) -> u64 {
    let mut random = Random::new(!seed);
    let replies = joined.task.allocate().unwrap();
    let other = joined.task.allocate().unwrap();
    let mut message = Received::new();
    let mut heard = 0;
    let mut clones = Vec::new();
    let until = Instant::now() + ROUND;
    while Instant::now() < until {
        heard += u64::from(listen(joined, &mut message, Duration::from_micros(200)));
        if let Some(reply) = message.take_reply() {
            let _ = reply.send(Message::new(1, &[1; 40]));
        }
        for right in message.take_rights().into_iter().take(4) {
            if let Some(right) = right.into_send() {
                let _ = right.try_send(Message::new(2, b"to a port of the liar's"));
            }
        }
        let body = vec![9; random.pick(&[0, 8, 100, 5000])];
        let mut outgoing = Message::new(3, &body);
        if random.below(4) == 0 {
            outgoing = outgoing.reply_to(replies.make_send_once()).with_right(other.make_send());
        }
        let right = clones.last().unwrap_or(&joined.send);
        let _ = right.send_deadline(outgoing, Deadline::after(Duration::from_micros(100)));
        while replies.try_receive(&mut message).is_ok() {
            assert!([joined.peer, Identity::KERNEL].contains(&message.sender()));
        }
        assert!(
            other.try_receive(&mut message).is_err()
                || message.sender() != Identity::KERNEL
                || message.notification().is_some()
        );
        match random.below(10) {
            0 => clones.push(joined.send.clone()),
            1 => drop(clones.pop()),
            _ => {}
        }
    }
    heard
}

/// The honest peer: a stream that must stay exact, to and fro.
fn honest() {
    let joined = join(inherited(), &Options::default()).unwrap();
    let mut message = Received::new();
    for n in 0u64.. {
        let body = n.to_le_bytes().repeat(1 + n as usize % 50);
        joined.send.send(Message::new(n as i32, &body)).unwrap();
        if n % 100 == 99 {
            joined.receive.receive(&mut message).unwrap();
            if message.notification().is_some() {
                return;
            }
            assert_eq!(message.id(), n as i32);
        }
    }
}

/// Checks the honest stream until told to stop; says how long it was.
fn check_honest(joined: Joined, stop: &AtomicBool) -> u64 {
    let mut message = Received::new();
    for n in 0u64.. {
        joined.receive.receive(&mut message).unwrap();
        assert_eq!((message.id(), message.sender()), (n as i32, joined.peer));
        assert_eq!(message.body(), n.to_le_bytes().repeat(1 + n as usize % 50));
        assert_eq!(message.seqno(), n as u32);
        if n % 100 == 99 {
            if stop.load(Ordering::Relaxed) {
                return n;
            }
            joined.send.send(Message::new(n as i32, b"")).unwrap();
        }
    }
    0
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// Fails if a word of the peer's is used before it is checked, looked at twice, or counted with: the
/// victim then panics, faults or never comes back. Run it again with a printed seed to see one again.
#[test]
fn a_peer_that_scribbles_over_all_that_is_its_own() {
    const NAME: &str = "a_peer_that_scribbles_over_all_that_is_its_own";
    match role().as_deref() {
        Some("liar") => return liar(),
        Some(_) => return honest(),
        None => {}
    }
    let _watchdog = Watchdog::start(NAME, 100);
    let (carrier, theirs) = sockets();
    let _liar = spawn(NAME, "liar", theirs);
    let (ours, theirs) = sockets();
    let friend = spawn(NAME, "honest", theirs);
    let joined = join(ours, &Options::default()).unwrap();
    let stop = &AtomicBool::new(false);
    let (heard, streamed) = std::thread::scope(|scope| {
        let friend = scope.spawn(move || check_honest(joined, stop));
        let ended = OnDrop(|| stop.store(true, Ordering::Relaxed)); // also when this panics
        let mut heard = 0;
        for seed in 0..ROUNDS {
            let (ours, theirs) = sockets();
            raw::send(&carrier, &seed.to_le_bytes(), &[theirs.as_fd()]);
            drop(theirs);
            let joined = join(ours, &Options::default().geometry(SMALL)).unwrap();
            joined.send.set_wait([Wait::Park, Wait::Adaptive][seed as usize % 2]);
            println!("seed {seed}, peer {:?}", joined.peer);
            assert!(!sys::is_root() || joined.peer.uid == sys::NOBODY);
            heard += deal_with_liar(&joined, seed);
        }
        drop(ended);
        (heard, friend.join().unwrap())
    });
    println!("{heard} messages of liars beside {streamed} honest ones");
    assert!(heard > 0 && streamed > 0, "the liars must have been believed at first");
    friend.finish();
}
