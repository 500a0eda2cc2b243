//! Sets whose members' senders are other processes, or other threads, and sets with many members.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};

use shm_mach::authority::Embedded;
use shm_mach::{Deadline, Message, Notification, Options, Received, Task, Wait, join};

use crate::common::random::Random;
use crate::common::watchdog::Watchdog;
use crate::common::{inherited, raw, role, sockets, spawn};
use crate::{Pair, send};

/// A child of the test below: sends to each service, by turns, and waits until each message is answered
/// to before it sends the next one there. Whoever is woken late makes all of it late.
fn requester(number: i32) {
    let (task, _) = Task::attach_to(inherited(), &Options::default()).unwrap();
    let rights: Vec<_> =
        (0..SERVICES).map(|at| task.look_up_deadline(&format!("s{at}"), Deadline::NEVER).unwrap()).collect();
    let replies: Vec<_> = rights.iter().map(|_| task.allocate().unwrap()).collect();
    let set = task.allocate_set().unwrap();
    set.set_wait([Wait::Park, Wait::Adaptive][number as usize % 2]);
    replies.iter().for_each(|port| set.insert(port).unwrap());
    let by_port: HashMap<_, _> = replies.iter().enumerate().map(|(at, port)| (port.name(), at)).collect();
    let mut message = Received::new();
    let mut sent = [0; SERVICES];
    let ask = |at: usize, round: i32| {
        let reply = replies[at].make_send_once();
        rights[at].send(Message::new(round, &number.to_le_bytes()).reply_to(reply)).unwrap();
    };
    (0..SERVICES).for_each(|at| ask(at, 0));
    for _ in 0..SERVICES as i32 * ROUNDS {
        set.receive(&mut message).unwrap();
        let at = by_port[&message.port().unwrap()];
        assert_eq!((message.id(), message.body()), (sent[at], &(at as u32).to_le_bytes()[..]));
        sent[at] += 1;
        if sent[at] < ROUNDS {
            ask(at, sent[at]);
        }
    }
}

const SERVICES: usize = 6;
const ROUNDS: i32 = 400;
const CHILDREN: i32 = 3;

/// Three processes ask six services, which two threads serve through one set. A wake-up that is lost costs
/// a second: with thousands of them the watchdog barks.
#[test]
fn several_processes_are_served_through_one_set() {
    const TEST: &str = "processes::several_processes_are_served_through_one_set";
    if let Some(role) = role() {
        return requester(role.parse().unwrap());
    }
    let _watchdog = Watchdog::start(TEST, 120);
    let authority = Embedded::start().unwrap();
    let (task, _) = Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap();
    let set = task.allocate_set().unwrap();
    set.set_wait(Wait::Park);
    let services: Vec<_> = (0..SERVICES).map(|at| task.check_in(&format!("s{at}")).unwrap()).collect();
    services.iter().for_each(|port| set.insert(port).unwrap());
    let by_port: HashMap<_, _> = services.iter().enumerate().map(|(at, port)| (port.name(), at)).collect();
    let children: Vec<_> =
        (0..CHILDREN).map(|n| spawn(TEST, &n.to_string(), authority.connect().unwrap())).collect();
    let left = AtomicU64::new(CHILDREN as u64 * SERVICES as u64 * ROUNDS as u64);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut request = Received::new();
                while left.load(Ordering::Relaxed) > 0 {
                    let soon = Deadline::after(std::time::Duration::from_millis(100));
                    if set.receive_deadline(&mut request, soon).is_err() {
                        continue;
                    }
                    let at = by_port[&request.port().unwrap()] as u32;
                    let reply = request.take_reply().unwrap();
                    reply.send(Message::new(request.id(), &at.to_le_bytes())).unwrap();
                    left.fetch_sub(1, Ordering::Relaxed);
                }
            });
        }
    });
    children.into_iter().for_each(|child| child.finish());
}

/// A child of the test below: sends for ever, through one right after the other, and notes each send that
/// has returned in a file that survives its death.
fn doomed() {
    let socket = inherited();
    let note = File::from(raw::receive(&socket, &mut [0; 8]).1.pop().unwrap());
    let joined = join(socket, &Options::default().queue_limit(16)).unwrap();
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    let rights: Vec<_> = message.take_rights().into_iter().map(|right| right.into_send().unwrap()).collect();
    for number in 1u64.. {
        let right = &rights[number as usize % rights.len()];
        right.send(Message::new(0, &number.to_le_bytes())).unwrap();
        note.write_all_at(&number.to_le_bytes(), 0).unwrap();
    }
}

/// What a sender was told it has sent comes through the set, once and in order for each member, though the
/// sender is killed; then each member tells that it has no senders any more.
#[test]
fn what_a_killed_sender_had_sent_comes_through_the_set() {
    const TEST: &str = "processes::what_a_killed_sender_had_sent_comes_through_the_set";
    const PORTS: usize = 5;
    if role().is_some() {
        return doomed();
    }
    let _watchdog = Watchdog::start(TEST, 120);
    let mut random = Random::new(1);
    for life in 0..8 {
        let (ours, theirs) = sockets();
        let note = rustix::fs::memfd_create(c"note", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let mut peer = spawn(TEST, "sender", theirs);
        raw::send(&ours, &[0; 8], &[note.as_fd()]);
        let joined = join(ours, &Options::default().queue_limit(16)).unwrap();
        let set = joined.task.allocate_set().unwrap();
        set.set_wait([Wait::Park, Wait::Adaptive][life % 2]);
        let ports: Vec<_> = (0..PORTS).map(|_| joined.task.allocate().unwrap()).collect();
        let rights = Message::new(0, b"");
        let rights = ports.iter().fold(rights, |rights, port| rights.with_right(port.make_send()));
        ports.iter().for_each(|port| {
            set.insert(port).unwrap();
            port.request_no_senders(0, port);
        });
        joined.send.send(rights).unwrap();
        let after = std::time::Duration::from_micros(random.below(30_000) as u64);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(after);
            peer.kill();
        });
        // Message n goes to port n modulo their number; there is no message 0.
        let first = |at: usize| if at == 0 { PORTS } else { at } as u64;
        let mut next: HashMap<_, _> = (0..PORTS).map(|at| (ports[at].name(), first(at))).collect();
        let (mut received, mut ended) = (0, HashSet::new());
        let mut message = Received::new();
        while ended.len() < PORTS {
            set.receive(&mut message).unwrap();
            let port = message.port().unwrap();
            if let Some(Notification::NoSenders { .. }) = message.notification() {
                assert!(ended.insert(port), "no senders, twice");
                continue;
            }
            assert!(!ended.contains(&port), "a message after the last sender");
            let number = u64::from_le_bytes(message.body().try_into().unwrap());
            let expected = next.get_mut(&port).unwrap();
            assert_eq!(number, *expected, "lost, twice or out of order");
            *expected += PORTS as u64;
            received += 1;
        }
        killer.join().unwrap();
        let mut acknowledged = [0; 8];
        let _ = rustix::io::pread(&note, &mut acknowledged, 0).unwrap();
        let acknowledged = u64::from_le_bytes(acknowledged);
        assert!((acknowledged..=acknowledged + 1).contains(&received), "{received} of {acknowledged}");
    }
}

/// Ten thousand members, of which two hundred have senders elsewhere: what is sent to any of them, here or
/// there, comes through the set, whose thread sleeps each time.
#[test]
fn ten_thousand_members_are_waited_for_at_once() {
    const MEMBERS: usize = 10_000;
    const ELSEWHERE: usize = 200;
    let _watchdog = Watchdog::start("ten_thousand_members_are_waited_for_at_once", 120);
    let pair = Pair::new(ELSEWHERE);
    let set = pair.task.allocate_set().unwrap();
    let others: Vec<_> = (ELSEWHERE..MEMBERS).map(|_| pair.task.allocate().unwrap()).collect();
    let ports: Vec<_> = pair.ports.iter().chain(&others).collect();
    ports.iter().for_each(|port| set.insert(port).unwrap());
    assert_eq!(set.members().len(), MEMBERS);
    let by_port: HashMap<_, _> = ports.iter().enumerate().map(|(at, port)| (port.name(), at)).collect();
    let (tell, hear) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let tell = tell; // hangs up when this thread ends
            let mut message = Received::new();
            for at in 0..3000 {
                set.set_wait([Wait::Park, Wait::Adaptive][at % 2]);
                set.receive(&mut message).unwrap();
                tell.send((message.id(), by_port[&message.port().unwrap()])).unwrap();
            }
        });
        let mut random = Random::new(2);
        for id in 0..3000 {
            let at = if id % 2 == 0 { random.below(ELSEWHERE) } else { random.below(MEMBERS) };
            match pair.rights.get(at) {
                Some(right) if id % 4 < 2 => right.send(Message::new(id, b"")).unwrap(),
                _ => send(ports[at], id),
            }
            assert_eq!(hear.recv().unwrap(), (id, at));
        }
    });
    drop(others);
    assert_eq!(set.members().len(), ELSEWHERE);
}

/// Threads wait at two sets that share their members, and at the members; ports come and go. Each message
/// is received once, and nobody sleeps over one.
#[test]
fn threads_at_sets_and_at_ports_share_the_messages() {
    const PORTS: usize = 4;
    const EACH: i32 = 3000;
    let _watchdog = Watchdog::start("threads_at_sets_and_at_ports_share_the_messages", 120);
    let Pair { task, ports, rights, .. } = &mut Pair::new(PORTS);
    let rights = std::mem::take(rights);
    let sets = [(); 2].map(|()| task.allocate_set().unwrap());
    for set in &sets {
        set.set_wait(Wait::Park);
        ports.iter().for_each(|port| set.insert(port).unwrap());
    }
    ports.iter().for_each(|port| port.set_wait(Wait::Park));
    let seen: Vec<_> = (0..PORTS as i32 * EACH).map(|_| AtomicU64::new(0)).collect();
    let left = AtomicU64::new(seen.len() as u64);
    std::thread::scope(|scope| {
        let (seen, left, ports, sets) = (&seen, &left, &*ports, &sets);
        for waiter in 0..6 {
            scope.spawn(move || {
                let mut message = Received::new();
                while left.load(Ordering::Relaxed) > 0 {
                    let soon = Deadline::after(std::time::Duration::from_millis(300));
                    let received = match waiter {
                        0..4 => sets[waiter % 2].receive_deadline(&mut message, soon),
                        _ => ports[waiter - 4].receive_deadline(&mut message, soon),
                    };
                    if received.is_ok() {
                        seen[message.id() as usize].fetch_add(1, Ordering::Relaxed);
                        left.fetch_sub(1, Ordering::Relaxed);
                    }
                }
            });
        }
        scope.spawn(move || {
            let mut random = Random::new(3);
            while left.load(Ordering::Relaxed) > 0 {
                let (set, port) = (&sets[random.below(2)], &ports[random.below(2)]);
                let _ = set.remove(port);
                std::thread::yield_now();
                let _ = set.insert(port);
            }
        });
        for (at, right) in rights.into_iter().enumerate() {
            scope.spawn(move || {
                for id in 0..EACH {
                    right.send(Message::new(at as i32 * EACH + id, b"")).unwrap();
                    if id % 64 == 0 {
                        std::thread::sleep(std::time::Duration::from_micros(100));
                    }
                }
            });
        }
    });
    assert!(seen.iter().all(|times| times.load(Ordering::Relaxed) == 1), "lost, or twice");
}
