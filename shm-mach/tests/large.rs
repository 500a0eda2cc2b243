//! Large messages: bodies up to 64 MiB, through regions beside the half, there and back, with and without
//! an authority; and their memory, which goes back.

mod common;

use std::os::fd::OwnedFd;
use std::time::Duration;

use common::random::Random;
use common::watchdog::Watchdog;
use common::{Peer, inherited, role, sockets, spawn};
use rustix::process::{Signal, kill_process};
use shm_mach::authority::Embedded;
use shm_mach::{
    Deadline, Joined, Message, Notification, Options, ReceiveRight, Received, Right, SendFailure, SendRight,
    Task, Wait, join,
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// The longest body.
const LONGEST: usize = 64 * MIB;
/// Every length at which something changes: in the slot, in the area, in a region of each kind of size.
const LENGTHS: [usize; 16] = [
    0,
    32,
    33,
    128 * KIB - 1,
    128 * KIB,
    128 * KIB + 1,
    256 * KIB,
    256 * KIB + 1,
    MIB - 1,
    MIB,
    MIB + 7,
    8 * MIB + 1,
    33 * MIB + 5,
    LONGEST - 1,
    LONGEST,
    3,
];

/// The body of message `id`: other bytes for each id, and no two words alike.
fn body(id: i32, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    let mut word = (id as u64) << 40;
    while bytes.len() < length {
        bytes.extend_from_slice(&word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        word += 1;
    }
    bytes.truncate(length);
    bytes
}

fn expect(message: &Received, id: i32, length: usize) {
    assert_eq!((message.id(), message.body().len()), (id, length));
    assert!(message.body() == body(id, length), "other bytes in message {id} of {length}");
}

fn late() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// Two tasks with a port each, and a right to the other's.
struct End {
    task: Task,
    receive: ReceiveRight,
    send: SendRight,
    _authority: Option<Embedded>,
}

impl From<Joined> for End {
    fn from(Joined { task, receive, send, .. }: Joined) -> Self {
        Self { task, receive, send, _authority: None }
    }
}

/// This process, and a child in `role`, joined over a socket or by an authority. By an authority nothing was
/// sent yet, and the child has nothing but its special port.
fn meet(test: &str, role: &str) -> (End, Peer) {
    if role.starts_with("pair") {
        let (ours, theirs) = sockets();
        let peer = spawn(test, role, theirs);
        return (join(ours, &Options::default()).unwrap().into(), peer);
    }
    let authority = Embedded::start().unwrap();
    let (task, _) = Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap();
    let receive = task.allocate().unwrap();
    let peer = spawn(test, role, task.prepare_child(&receive).unwrap());
    let mut message = Received::new();
    receive.receive_deadline(&mut message, late()).unwrap();
    // The very first message between the two, before any link is complete.
    expect(&message, 1, 2 * MIB);
    let send = message.take_rights().pop().and_then(Right::into_send).unwrap();
    (End { task, receive, send, _authority: Some(authority) }, peer)
}

fn child(role: &str) -> End {
    let socket: OwnedFd = inherited();
    if role.starts_with("pair") {
        return join(socket, &Options::default()).unwrap().into();
    }
    let (task, special) = Task::attach_to(socket, &Options::default()).unwrap();
    let send = special.unwrap();
    let receive = task.allocate().unwrap();
    send.send(Message::new(1, &body(1, 2 * MIB)).with_right(receive.make_send())).unwrap();
    End { task, receive, send, _authority: None }
}

/// Answers each request, and sends it back as well, also by each right that lies beside it.
fn echo(end: &End) {
    let mut message = Received::new();
    loop {
        end.receive.receive(&mut message).unwrap();
        if message.notification().is_some() {
            return;
        }
        if let Some(reply) = message.take_reply() {
            reply.send(Message::new(message.id(), message.body())).unwrap();
        }
        for right in message.take_rights() {
            right.into_send().unwrap().send(Message::new(message.id(), message.body())).unwrap();
        }
        end.send.send(Message::new(message.id(), message.body())).unwrap();
    }
}

fn there_and_back(test: &str, role: &str, wait: Wait, lengths: &[usize]) {
    let (end, peer) = meet(test, role);
    end.receive.set_wait(wait);
    end.send.set_wait(wait);
    let replies = end.task.allocate().unwrap();
    let mut message = Received::new();
    for (id, length) in (10..).zip(lengths.iter().copied()) {
        let passed = end.task.allocate().unwrap();
        let sent = body(id, length);
        let mut request = Message::new(id, &sent).reply_to(replies.make_send_once());
        let rights = if length > 40 * MIB { 0 } else { id % 3 };
        for _ in 0..rights {
            request = request.with_right(passed.make_send());
        }
        end.send.send(request).unwrap();
        replies.receive_deadline(&mut message, late()).unwrap();
        expect(&message, id, length);
        end.receive.receive_deadline(&mut message, late()).unwrap();
        expect(&message, id, length);
        for _ in 0..rights {
            passed.receive_deadline(&mut message, late()).unwrap();
            expect(&message, id, length);
        }
    }
    let longer = vec![1; LONGEST + 1];
    let refused = end.send.send(Message::new(1, &longer).reply_to(replies.make_send_once())).unwrap_err();
    let expected = SendFailure::TooLarge { length: LONGEST + 1, longest: LONGEST };
    assert_eq!(refused.failure(), expected);
    assert!(refused.into_message().take_reply().is_some(), "the message comes back whole");
    assert_eq!(replies.make_send().send(Message::new(1, &longer)).unwrap_err().failure(), expected);
    drop(peer);
}

#[test]
fn bodies_of_every_length_arrive_whole() {
    const NAME: &str = "bodies_of_every_length_arrive_whole";
    if let Some(role) = role() {
        return echo(&child(&role));
    }
    let _watchdog = Watchdog::start(NAME, 240);
    for (wait, lengths) in [(Wait::Adaptive, 16), (Wait::Park, 12), (Wait::Spin, 10)] {
        there_and_back(NAME, "pair", wait, &LENGTHS[..lengths]);
        there_and_back(NAME, "task", wait, &LENGTHS[..lengths]);
    }
}

/// An answer that is too long leaves the right good for another one; and answers that nobody reads use up
/// what a link has, which is an error and no more.
#[test]
fn answers_use_up_no_more_than_a_link_has() {
    const NAME: &str = "answers_use_up_no_more_than_a_link_has";
    const ASKED: usize = 40;
    if let Some(role) = role() {
        let end = child(&role);
        let mut message = Received::new();
        let (mut given, mut kept) = (0, Vec::new());
        let longer = vec![1; LONGEST + 1];
        for id in 0..ASKED as i32 {
            end.receive.receive(&mut message).unwrap();
            let reply = message.take_reply().unwrap();
            let refused = reply.send(Message::new(id, &longer)).unwrap_err();
            assert!(matches!(refused.failure(), SendFailure::TooLarge { longest: LONGEST, .. }));
            let reply = refused.into_parts().1.unwrap();
            match reply.send(Message::new(id, &body(id, MIB))) {
                Ok(()) => given += 1,
                Err(refused) => {
                    assert_eq!(refused.failure(), SendFailure::NoBuffer);
                    kept.push((id, refused.into_parts().1.unwrap()));
                }
            }
        }
        assert_eq!((given, kept.len()), (32, ASKED - 32));
        end.send.send(Message::new(given, b"")).unwrap();
        end.receive.receive(&mut message).unwrap(); // all were read
        for (id, reply) in kept {
            reply.send(Message::new(id, &body(id, MIB))).unwrap();
        }
        return echo(&end);
    }
    let _watchdog = Watchdog::start(NAME, 120);
    for role in ["pair", "task"] {
        let (end, _peer) = meet(NAME, role);
        let replies = end.task.allocate().unwrap();
        let mut message = Received::new();
        for _ in 0..ASKED {
            end.send.send(Message::new(0, b"").reply_to(replies.make_send_once())).unwrap();
        }
        end.receive.receive_deadline(&mut message, late()).unwrap();
        for id in 0..32 {
            replies.receive_deadline(&mut message, late()).unwrap();
            expect(&message, id, MIB);
        }
        end.send.send(Message::new(0, b"go on")).unwrap();
        for id in 32..ASKED as i32 {
            replies.receive_deadline(&mut message, late()).unwrap();
            expect(&message, id, MIB);
        }
    }
}

/// Stops a process, and waits until it stands still.
fn stop(peer: &Peer) {
    kill_process(peer.pid(), Signal::STOP).unwrap();
    let stat = format!("/proc/{}/stat", peer.0.id());
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::yield_now();
    }
}

/// Eight large messages of one right wait, and no ninth; another right has its own eight.
#[test]
fn a_queue_holds_so_many_large_messages_of_one_right() {
    const NAME: &str = "a_queue_holds_so_many_large_messages_of_one_right";
    if let Some(role) = role() {
        return echo(&child(&role));
    }
    let _watchdog = Watchdog::start(NAME, 120);
    for role in ["pair", "task"] {
        let (end, peer) = meet(NAME, role);
        stop(&peer);
        let clone = end.send.clone();
        for (right, first) in [(&end.send, 10), (&clone, 30)] {
            for id in first..first + 8 {
                right.try_send(Message::new(id, &body(id, 300 * KIB))).unwrap();
            }
            let ninth = body(99, 300 * KIB);
            let refused = right.try_send(Message::new(99, &ninth)).unwrap_err();
            assert_eq!(refused.failure(), SendFailure::TimedOut);
        }
        clone.try_send(Message::new(38, b"a short one has room")).unwrap();
        let mut message = Received::new();
        std::thread::scope(|scope| {
            let (right, pid) = (end.send, peer.pid());
            scope.spawn(move || {
                kill_process(pid, Signal::CONT).unwrap();
                for id in 18..28 {
                    right.send(Message::new(id, &body(id, 300 * KIB))).unwrap();
                }
            });
            let mut next = [10, 30];
            for _ in 0..18 + 9 {
                end.receive.receive_deadline(&mut message, late()).unwrap();
                let of = usize::from(message.id() >= 30);
                if message.id() != 38 {
                    expect(&message, next[of], 300 * KIB);
                }
                next[of] += 1;
            }
            assert_eq!(next, [28, 39]);
        });
    }
}

/// What a task had sent, and answered, is received after its death.
#[test]
fn what_the_dead_have_sent_is_received() {
    const NAME: &str = "what_the_dead_have_sent_is_received";
    if let Some(role) = role() {
        let end = child(&role);
        let mut message = Received::new();
        end.receive.receive(&mut message).unwrap();
        let clone = end.send.clone();
        for id in 0..4 {
            end.send.send(Message::new(id, &body(id, 3 * MIB))).unwrap();
            clone.send(Message::new(100 + id, &body(100 + id, MIB))).unwrap();
        }
        message.take_reply().unwrap().send(Message::new(50, &body(50, 5 * MIB))).unwrap();
        std::process::abort();
    }
    let _watchdog = Watchdog::start(NAME, 120);
    for role in ["pair", "task"] {
        let (end, mut peer) = meet(NAME, role);
        let replies = end.task.allocate().unwrap();
        end.receive.request_no_senders(0, &end.receive);
        end.send.send(Message::new(0, b"").reply_to(replies.make_send_once())).unwrap();
        peer.0.wait().unwrap();
        // Noticed before anything is looked at.
        let other = end.task.allocate().unwrap();
        let a_while = Deadline::after(Duration::from_millis(1500));
        assert!(other.receive_deadline(&mut Received::new(), a_while).is_err());
        let mut message = Received::new();
        let mut next = [0, 100];
        loop {
            end.receive.receive_deadline(&mut message, late()).unwrap();
            if message.notification().is_some() {
                break;
            }
            let of = usize::from(message.id() >= 100);
            expect(&message, next[of], [3 * MIB, MIB][of]);
            next[of] += 1;
        }
        assert_eq!(next, [4, 104]);
        replies.receive_deadline(&mut message, late()).unwrap();
        expect(&message, 50, 5 * MIB);
    }
}

/// A sender is killed at any moment of many large sends: what arrives is the first so many of them, whole.
#[test]
fn a_killed_sender_leaves_a_whole_prefix() {
    const NAME: &str = "a_killed_sender_leaves_a_whole_prefix";
    const SIZES: [usize; 4] = [300 * KIB, 2 * MIB, 700 * KIB, 100];
    if let Some(role) = role() {
        let end = child(&role);
        for id in 10.. {
            end.send.send(Message::new(id, &body(id, SIZES[id as usize % 4]))).unwrap();
        }
    }
    let _watchdog = Watchdog::start(NAME, 240);
    let mut random = Random::new(17);
    for round in 0..24 {
        let (end, mut peer) = meet(NAME, ["pair", "task"][round % 2]);
        end.receive.request_no_senders(0, &end.receive);
        let wait = Duration::from_micros(random.below(20_000) as u64);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(wait);
            peer.kill();
        });
        let mut message = Received::new();
        for id in 10.. {
            end.receive.receive_deadline(&mut message, late()).unwrap();
            if let Some(notification) = message.notification() {
                assert!(matches!(notification, Notification::NoSenders { .. }));
                break;
            }
            expect(&message, id, SIZES[id as usize % 4]);
        }
        killer.join().unwrap();
        let sent = body(0, MIB);
        let refused = end.send.send(Message::new(0, &sent)).unwrap_err();
        assert_eq!(refused.failure(), SendFailure::PortDied);
    }
}

/// A receiver is killed at any moment: the sender's error comes, and its regions go.
#[test]
fn a_killed_receiver_frees_what_was_sent_to_it() {
    const NAME: &str = "a_killed_receiver_frees_what_was_sent_to_it";
    if let Some(role) = role() {
        match role.strip_suffix("-parent") {
            // A process of its own: other tests have memory too.
            Some(role) => return outlive(NAME, role),
            None => return echo(&child(&role)),
        }
    }
    let _watchdog = Watchdog::start(NAME, 240);
    for role in ["pair-parent", "task-parent"] {
        let (_ours, theirs) = sockets();
        spawn(NAME, role, theirs).finish();
    }
}

fn outlive(test: &str, role: &str) {
    inherited();
    let mut random = Random::new(5);
    for _ in 0..4 {
        let (end, mut peer) = meet(test, role);
        let killer = std::thread::spawn({
            let wait = Duration::from_micros(random.below(30_000) as u64);
            move || {
                std::thread::sleep(wait);
                peer.kill();
            }
        });
        let sent = body(0, 3 * MIB);
        let failure = loop {
            if let Err(refused) = end.send.send(Message::new(0, &sent)) {
                break refused.failure();
            }
        };
        assert_eq!(failure, SendFailure::PortDied);
        killer.join().unwrap();
        while regions_here() > 0 {
            let _ = end
                .receive
                .receive_deadline(&mut Received::new(), Deadline::after(Duration::from_millis(1100)));
        }
    }
}

/// Bytes of the mappings of regions that this process has, its own and its peers'. Halves are longer than
/// the regions used here, pages shorter.
fn regions_here() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let sizes = maps.lines().filter(|line| line.contains("memfd:shm-mach")).map(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        usize::from_str_radix(end, 16).unwrap() - usize::from_str_radix(start, 16).unwrap()
    });
    sizes.filter(|size| (256 * KIB..16 * MIB).contains(size)).sum()
}

fn descriptors_here() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// When no large messages were sent for a while, neither side has a region left, nor a descriptor more than
/// before; and then large messages go on.
#[test]
fn memory_goes_back_when_traffic_stops() {
    const NAME: &str = "memory_goes_back_when_traffic_stops";
    match role().as_deref() {
        Some("pair-parent") => return watch_memory(NAME, "pair"),
        Some("task-parent") => return watch_memory(NAME, "task"),
        Some(role) => {
            let end = child(role);
            let mut message = Received::new();
            while end.receive.receive(&mut message).is_ok() && message.notification().is_none() {
                if let Some(reply) = message.take_reply() {
                    reply.send(Message::new(regions_here() as i32, message.body())).unwrap();
                }
            }
            return;
        }
        None => {}
    }
    let _watchdog = Watchdog::start(NAME, 240);
    for role in ["pair-parent", "task-parent"] {
        let (_ours, theirs) = sockets();
        spawn(NAME, role, theirs).finish();
    }
}

fn watch_memory(test: &str, role: &str) {
    inherited();
    let (end, _peer) = meet(test, role);
    let replies = end.task.allocate().unwrap();
    let rest = || {
        let a_while = Deadline::after(Duration::from_millis(100));
        assert!(end.receive.receive_deadline(&mut Received::new(), a_while).is_err());
    };
    while regions_here() > 0 {
        rest(); // that of the first message
    }
    let mut message = Received::new();
    let mut ask = |length: usize| {
        end.send.send(Message::new(7, &body(7, length)).reply_to(replies.make_send_once())).unwrap();
        replies.receive_deadline(&mut message, late()).unwrap();
        assert!(message.body() == body(7, length));
        message.id() as usize
    };
    ask(1);
    let descriptors = descriptors_here();
    for _ in 0..2 {
        for _ in 0..20 {
            assert!(ask(5 * MIB) >= 8 * MIB, "the other side has mapped it");
        }
        // One there and one back, used again and again.
        let expected = 2 * (8 * MIB + 32 * KIB);
        assert_eq!(regions_here(), expected);
        assert_eq!(descriptors_here(), descriptors, "no descriptor is kept");
        while regions_here() > 0 || ask(1) > 0 {
            rest();
        }
    }
}

/// Several senders, some of them threads of one task: each one's messages come in its order, whole.
#[test]
fn several_senders_keep_their_orders() {
    const NAME: &str = "several_senders_keep_their_orders";
    const SENT: i32 = 60;
    let length = |id: i32| [MIB, 40, 200 * KIB, 5000][id as usize % 4] + id as usize % 97;
    if role().is_some() {
        let (_task, special) = Task::attach_to(inherited(), &Options::default()).unwrap();
        let right = special.unwrap();
        let threads = [0, 1].map(|thread| {
            let right = right.clone();
            std::thread::spawn(move || {
                for n in 0..SENT {
                    let id = thread * 1000 + n;
                    right.send(Message::new(id, &body(id, length(id)))).unwrap();
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        return;
    }
    let _watchdog = Watchdog::start(NAME, 240);
    let authority = Embedded::start().unwrap();
    let (task, _) = Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap();
    let port = task.allocate().unwrap();
    let peers: Vec<Peer> =
        (0..3).map(|_| spawn(NAME, "sender", task.prepare_child(&port).unwrap())).collect();
    let pids: Vec<u32> = peers.iter().map(|peer| peer.0.id()).collect();
    let mut next = [[0; 2]; 3];
    let mut message = Received::new();
    for _ in 0..SENT * 6 {
        port.receive_deadline(&mut message, late()).unwrap();
        let peer = pids.iter().position(|pid| *pid == message.sender().pid).unwrap();
        let thread = message.id() as usize / 1000;
        let id = thread as i32 * 1000 + next[peer][thread];
        expect(&message, id, length(id));
        next[peer][thread] += 1;
    }
    peers.into_iter().for_each(Peer::finish);
}

/// Large messages that are never read release their rights: with their port, and when their sender is
/// revoked.
#[test]
fn rights_in_what_is_never_read_are_released() {
    const NAME: &str = "rights_in_what_is_never_read_are_released";
    if let Some(role) = role() {
        let end = child(&role);
        let mut message = Received::new();
        for round in 0..2 {
            let port = end.task.allocate().unwrap();
            end.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
            end.receive.receive(&mut message).unwrap();
            if round == 0 {
                drop(port);
            } else {
                assert!(port.revoke(message.sender()));
            }
        }
        return echo(&end);
    }
    let _watchdog = Watchdog::start(NAME, 120);
    for role in ["pair", "task"] {
        let (end, _peer) = meet(NAME, role);
        let mut message = Received::new();
        for _ in 0..2 {
            end.receive.receive_deadline(&mut message, late()).unwrap();
            let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
            let (replies, given) = (end.task.allocate().unwrap(), end.task.allocate().unwrap());
            given.request_no_senders(1, &given);
            for id in 0..5 {
                let sent = body(id, MIB);
                let sent = Message::new(id, &sent).with_right(given.make_send());
                right.send(sent.reply_to(replies.make_send_once())).unwrap();
            }
            end.send.send(Message::new(0, b"end it")).unwrap();
            for _ in 0..5 {
                replies.receive_deadline(&mut message, late()).unwrap();
                assert_eq!(message.notification(), Some(Notification::SendOnce));
            }
            given.receive_deadline(&mut message, late()).unwrap();
            assert!(matches!(message.notification(), Some(Notification::NoSenders { .. })));
            while right.send(Message::new(0, &body(0, MIB))).is_ok() {}
        }
    }
}
