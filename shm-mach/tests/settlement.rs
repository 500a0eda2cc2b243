//! What becomes of rights whose issuer is killed after it has asked for them: the receiver's count
//! comes right, by what the destination has, and never before that.
//!
//! The receiver and the destination are tasks of the test itself, so that it decides who looks when;
//! the issuer is a process, and is really killed.

mod common;

use std::time::{Duration, Instant};

use common::bare::Bare;
use common::random::Random;
use common::watchdog::Watchdog;
use common::{Peer, inherited, role, spawn};
use shm_mach::authority::Embedded;
use shm_mach::wire::event::{Answer, Event};
use shm_mach::wire::request::{PortRef, Request};
use shm_mach::{
    Deadline, Identity, Message, Notification, Options, ReceiveError, ReceiveRight, Received, Right,
    SendFailure, SendRight, Task,
};

/// The queue limit of the destination's ports: soon full.
const LIMIT: u32 = 2;
const DONE: i32 = 99;
const USED: i32 = 50;

/// What the issuer does with its right to the receiver's port.
struct Issuer {
    task: Task,
    parent: SendRight,
    own: ReceiveRight,
    right: SendRight,
    destination: SendRight,
}

impl Issuer {
    fn start() -> Self {
        let (task, special) = Task::attach_to(inherited(), &Options::default()).unwrap();
        let parent = special.unwrap();
        let own = task.allocate().unwrap();
        parent.send(Message::new(0, b"").with_right(own.make_send())).unwrap();
        let mut message = Received::new();
        own.receive(&mut message).unwrap();
        let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
        let destination = task.look_up("destination").unwrap();
        Self { task, parent, own, right, destination }
    }

    fn done(&self) -> ! {
        self.parent.send(Message::new(DONE, b"")).unwrap();
        loop {
            std::thread::park();
        }
    }

    /// Passes one right on that arrives in a queue, and one that does not.
    fn passes_one_and_one_in_vain() -> ! {
        let issuer = Self::start();
        issuer.pass();
        issuer.pass_in_vain(&issuer.destination);
        issuer.done();
    }

    fn pass(&self) {
        self.destination.try_send(Message::new(1, b"").with_right(self.right.clone())).unwrap();
    }

    /// The authority is asked, and the message finds no room.
    fn pass_in_vain(&self, to: &SendRight) {
        while to.try_send(Message::new(2, b"")).is_ok() {}
        let refused = to.try_send(Message::new(3, b"").with_right(self.right.clone())).unwrap_err();
        assert_eq!(refused.failure(), SendFailure::TimedOut);
    }

    /// A right to a port of the destination's or receiver's, which it sends here.
    fn next_right(&self) -> (SendRight, Received) {
        let mut message = Received::new();
        self.own.receive(&mut message).unwrap();
        let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
        (right, message)
    }
}

/// Receiver and destination in this process, and an issuer that can be killed.
struct Scene {
    receiver: Task,
    destination: Task,
    /// The issuer's right leads here; no-senders is told there.
    port: ReceiveRight,
    notify: ReceiveRight,
    meeting: ReceiveRight,
    to_issuer: SendRight,
    /// The destination's ports: the issuer sends to one, nobody to the other.
    queue: ReceiveRight,
    idle: ReceiveRight,
    issuer: Peer,
    _authority: Embedded,
}

impl Scene {
    fn start(test: &str) -> Self {
        let authority = Embedded::start().unwrap();
        let attach = |options| Task::attach_to(authority.connect().unwrap(), &options).unwrap().0;
        let receiver = attach(Options::default());
        let destination = attach(Options::default().queue_limit(LIMIT));
        let port = receiver.allocate().unwrap();
        let (notify, meeting) = (receiver.allocate().unwrap(), receiver.allocate().unwrap());
        let queue = destination.check_in("destination").unwrap();
        let idle = destination.allocate().unwrap();
        let issuer = spawn(test, "issuer", receiver.prepare_child(&meeting).unwrap());
        let mut message = Received::new();
        meeting.receive(&mut message).unwrap();
        let to_issuer = message.take_rights().pop().and_then(Right::into_send).unwrap();
        to_issuer.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        port.request_no_senders(0, &notify);
        let (_authority, to_issuer) = (authority, to_issuer);
        Self { receiver, destination, port, notify, meeting, to_issuer, queue, idle, issuer, _authority }
    }

    /// A scene whose issuer was killed when it had done its part.
    fn after_the_kill(test: &'static str) -> (Watchdog, Self) {
        let watchdog = Watchdog::start(test, 60);
        let mut scene = Self::start(test);
        scene.kill();
        (watchdog, scene)
    }

    /// Until the issuer has done its part.
    fn await_issuer(&self) {
        let mut message = Received::new();
        while message.id() != DONE {
            self.meeting.receive(&mut message).unwrap();
        }
    }

    fn kill(&mut self) {
        self.await_issuer();
        self.issuer.kill();
    }

    fn has_no_senders(&self) -> bool {
        let mut message = Received::new();
        match self.notify.try_receive(&mut message) {
            Ok(()) => {
                assert!(matches!(message.notification(), Some(Notification::NoSenders { .. })));
                true
            }
            Err(error) => {
                assert_eq!(error, ReceiveError::TimedOut);
                false
            }
        }
    }

    /// Both tasks look at their news for a while, the destination receives nothing of the issuer's, and
    /// the port keeps its senders.
    fn keeps_senders(&self) {
        let until = Instant::now() + Duration::from_millis(250);
        while Instant::now() < until {
            assert_eq!(self.idle.try_receive(&mut Received::new()), Err(ReceiveError::TimedOut));
            assert!(!self.has_no_senders(), "no-senders, and a right lives");
            std::thread::yield_now();
        }
    }

    /// Both look until the port has no senders any more, and then never again hear of it.
    fn loses_senders(&self) {
        while !self.has_no_senders() {
            assert_eq!(self.idle.try_receive(&mut Received::new()), Err(ReceiveError::TimedOut));
            std::thread::yield_now();
        }
        self.keeps_senders(); // once
    }

    /// The destination receives all that is queued: the rights that came.
    fn drain(&self) -> Vec<SendRight> {
        let mut rights = Vec::new();
        let mut message = Received::new();
        while self.queue.try_receive(&mut message).is_ok() {
            rights.extend(message.take_rights().into_iter().filter_map(Right::into_send));
        }
        rights
    }

    /// The right leads to the port, and counts until it is dropped.
    fn is_good(&self, right: SendRight) {
        right.send(Message::new(USED, b"")).unwrap();
        let mut message = Received::new();
        self.port.receive(&mut message).unwrap();
        assert_eq!(message.id(), USED);
        self.keeps_senders();
        drop(right);
        self.loses_senders();
    }
}

/// Fails if nobody asks what the destination has of the dead (the right is then counted until the
/// destination dies), or if it does not answer.
#[test]
fn a_grant_that_never_arrived_ends_with_its_issuer() {
    const TEST: &str = "a_grant_that_never_arrived_ends_with_its_issuer";
    if role().is_some() {
        let issuer = Issuer::start();
        issuer.pass_in_vain(&issuer.destination);
        issuer.done();
    }
    let _watchdog = Watchdog::start(TEST, 60);
    let mut scene = Scene::start(TEST);
    scene.await_issuer();
    scene.keeps_senders();
    scene.issuer.kill();
    assert!(scene.drain().is_empty());
    scene.loses_senders();
}

/// Two grants, of which one is in a queue that is not read yet. Fails if the destination answers before
/// it has received what the dead had queued: the right that arrives then counts for nothing.
#[test]
fn a_right_that_is_queued_when_its_issuer_dies_counts() {
    const TEST: &str = "a_right_that_is_queued_when_its_issuer_dies_counts";
    if role().is_some() {
        Issuer::passes_one_and_one_in_vain();
    }
    let (_watchdog, scene) = Scene::after_the_kill(TEST);
    scene.keeps_senders();
    let mut rights = scene.drain();
    assert_eq!(rights.len(), 1);
    scene.keeps_senders();
    scene.is_good(rights.pop().unwrap());
}

/// The destination is linked with the receiver, has sent, and has given one of two rights back before
/// the issuer dies. Fails if the answer overtakes that, or if what is given back counts twice.
#[test]
fn what_was_given_back_before_the_settlement_counts_once() {
    const TEST: &str = "what_was_given_back_before_the_settlement_counts_once";
    if role().is_some() {
        let issuer = Issuer::start();
        (0..LIMIT).for_each(|_| issuer.pass());
        let (again, _) = issuer.next_right();
        issuer.pass_in_vain(&again);
        issuer.done();
    }
    let _watchdog = Watchdog::start(TEST, 60);
    let mut scene = Scene::start(TEST);
    let mut rights = Vec::new();
    while rights.len() < LIMIT as usize {
        rights.extend(scene.drain());
    }
    let full = scene.destination.check_in("full").unwrap();
    scene.to_issuer.send(Message::new(0, b"").with_right(scene.receiver.look_up("full").unwrap())).unwrap();
    scene.await_issuer();
    let dropped = rights.pop().unwrap();
    dropped.send(Message::new(USED, b"before")).unwrap();
    drop(dropped);
    scene.issuer.kill();
    scene.keeps_senders();
    let mut message = Received::new();
    while full.try_receive(&mut message).is_ok() {
        assert!(message.take_rights().is_empty());
    }
    scene.port.receive(&mut message).unwrap();
    assert_eq!(message.body(), b"before", "what was sent before the right was given back");
    scene.is_good(rights.pop().unwrap());
}

/// Fails if who drops its right keeps to itself that it has asked for a grant and not used it.
#[test]
fn an_unused_grant_ends_with_its_issuers_right() {
    const TEST: &str = "an_unused_grant_ends_with_its_issuers_right";
    if role().is_some() {
        let issuer = Issuer::start();
        issuer.pass_in_vain(&issuer.destination);
        let Issuer { task: _task, parent, own: _own, right, destination: _destination } = issuer;
        drop(right);
        parent.send(Message::new(DONE, b"")).unwrap();
        loop {
            std::thread::park();
        }
    }
    let _watchdog = Watchdog::start(TEST, 60);
    let scene = Scene::start(TEST);
    scene.await_issuer();
    scene.loses_senders();
}

/// What becomes of a dead task's answer that waits in the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Received,
    /// Its port is destroyed.
    Destroyed,
    /// Its port's receiver revokes the rights of the dead.
    Revoked,
}

/// A right in an answer of the dead, which is taken after the destination has heard of the death. Fails
/// if such an answer is not among what is queued, if its rights are lost on the way, or if it survives a
/// revocation.
#[test]
fn a_right_in_a_dead_tasks_answer_is_good_or_given_back() {
    const TEST: &str = "a_right_in_a_dead_tasks_answer_is_good_or_given_back";
    if role().is_some() {
        let issuer = Issuer::start();
        issuer.destination.send(Message::new(1, b"").with_right(issuer.own.make_send())).unwrap();
        let mut message = Received::new();
        issuer.own.receive(&mut message).unwrap();
        let reply = message.take_reply().unwrap();
        reply.send(Message::new(4, b"answer").with_right(issuer.right.clone())).unwrap();
        issuer.pass_in_vain(&issuer.destination);
        issuer.done();
    }
    let _watchdog = Watchdog::start(TEST, 120);
    for end in [End::Received, End::Destroyed, End::Revoked] {
        let mut scene = Scene::start(TEST);
        let mut rights = Vec::new();
        while rights.is_empty() {
            rights = scene.drain();
        }
        let replies = scene.destination.allocate().unwrap();
        rights[0].send(Message::new(5, b"ask").reply_to(replies.make_send_once())).unwrap();
        scene.kill();
        scene.drain();
        scene.keeps_senders();
        let mut message = Received::new();
        if end == End::Revoked {
            let issuer = Identity { pid: scene.issuer.0.id(), ..scene.destination.identity() };
            assert!(replies.revoke(issuer), "what it had answered is queued");
            replies.try_receive(&mut message).unwrap();
            assert_eq!(message.notification(), Some(Notification::SendOnce), "instead of the answer");
            assert_eq!(replies.try_receive(&mut message), Err(ReceiveError::TimedOut));
            assert!(!replies.revoke(issuer), "there is nothing left");
        }
        if end != End::Received {
            drop(replies);
            scene.loses_senders();
            continue;
        }
        replies.receive(&mut message).unwrap();
        assert_eq!(message.body(), b"answer");
        let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
        scene.is_good(right);
    }
}

/// Fails if a port that is destroyed after the death forgets the rights in what the dead had queued.
#[test]
fn what_the_dead_had_queued_is_given_back_with_the_port() {
    const TEST: &str = "what_the_dead_had_queued_is_given_back_with_the_port";
    if role().is_some() {
        let issuer = Issuer::start();
        issuer.pass();
        issuer.done();
    }
    let _watchdog = Watchdog::start(TEST, 60);
    let mut scene = Scene::start(TEST);
    scene.kill();
    scene.keeps_senders();
    scene.queue = scene.destination.allocate().unwrap();
    scene.loses_senders();
}

/// The right goes back to the receiver itself, in one message that is published and one that is not.
/// Fails if the second is counted for ever, or the first not until it is dropped.
#[test]
fn a_right_on_its_way_home_is_settled_too() {
    const TEST: &str = "a_right_on_its_way_home_is_settled_too";
    if role().is_some() {
        let issuer = Issuer::start();
        let (home, message) = issuer.next_right();
        if message.id() == 1 {
            home.send(Message::new(1, b"").with_right(issuer.right.clone())).unwrap();
        }
        issuer.pass_in_vain(&home);
        issuer.done();
    }
    let _watchdog = Watchdog::start(TEST, 120);
    for is_passed in [true, false] {
        let mut scene = Scene::start(TEST);
        let home = scene.receiver.allocate().unwrap();
        home.set_queue_limit(LIMIT).unwrap();
        let begin = Message::new(i32::from(is_passed), b"").with_right(home.make_send());
        scene.to_issuer.send(begin).unwrap();
        scene.kill();
        scene.keeps_senders();
        let mut message = Received::new();
        let mut rights = Vec::new();
        while home.try_receive(&mut message).is_ok() {
            rights.extend(message.take_rights().into_iter().filter_map(Right::into_send));
        }
        assert_eq!(rights.len(), usize::from(is_passed));
        match rights.pop() {
            Some(right) => scene.is_good(right),
            None => scene.loses_senders(),
        }
    }
}

/// Fails if a look at the news waits for what a peer has queued, or for what it never sends.
#[test]
fn a_destination_that_does_not_read_holds_nobody_up() {
    const TEST: &str = "a_destination_that_does_not_read_holds_nobody_up";
    if role().is_some() {
        Issuer::passes_one_and_one_in_vain();
    }
    let (_watchdog, scene) = Scene::after_the_kill(TEST);
    scene.keeps_senders();
    let other = scene.receiver.check_in("other").unwrap();
    let right = scene.destination.look_up("other").unwrap();
    let mut message = Received::new();
    for id in 0..100 {
        right.send(Message::new(id, b"")).unwrap();
        other.receive_deadline(&mut message, Deadline::NEVER).unwrap();
        assert_eq!(message.id(), id);
    }
    scene.keeps_senders();
}

/// The destination has used and dropped the right when it hears the question. Fails if its answer is
/// heard before what it told over its link: the message is then one of somebody without a right.
#[test]
fn an_answer_follows_what_was_told_before_it() {
    const TEST: &str = "an_answer_follows_what_was_told_before_it";
    if role().is_some() {
        let issuer = Issuer::start();
        issuer.pass();
        issuer.done();
    }
    let _watchdog = Watchdog::start(TEST, 60);
    let mut scene = Scene::start(TEST);
    scene.kill();
    // Until the receiver has heard of the death, and has asked.
    let is_dead = || scene.to_issuer.try_send(Message::new(0, b"")).err().map(|refused| refused.failure());
    while is_dead() != Some(SendFailure::PortDied) {
        assert!(!scene.has_no_senders());
    }
    let mut message = Received::new();
    scene.queue.try_receive(&mut message).unwrap(); // it is there: nobody looks for news
    let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
    right.send(Message::new(USED, b"")).unwrap();
    drop(right);
    let until = Instant::now() + Duration::from_millis(250);
    while Instant::now() < until {
        assert_eq!(scene.idle.try_receive(&mut Received::new()), Err(ReceiveError::TimedOut)); // and answers
    }
    scene.port.receive_deadline(&mut message, Deadline::after(Duration::from_secs(10))).unwrap();
    assert_eq!(message.id(), USED);
    scene.loses_senders();
}

/// A destination without the library, which is asked what it has of the dead, and an honest holder
/// beside it.
fn ask_a_stranger(test: &'static str, answer: impl FnOnce(Bare, [u64; 2], PortRef, &dyn Fn())) {
    if role().is_some() {
        let issuer = Issuer::start();
        issuer.pass();
        issuer.done();
    }
    let _watchdog = Watchdog::start(test, 60);
    let authority = Embedded::start().unwrap();
    let attach = || Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0;
    let (receiver, holder) = (attach(), attach());
    let stranger = Bare::attach(authority.connect().unwrap());
    let port = PortRef { port: 0, epoch: 0, key: 1, limit: 5 };
    let name = "destination".to_owned();
    assert_eq!(stranger.ask(&Request::Register { name, port }), Answer::Done);
    let own = holder.check_in("holder").unwrap();
    let (port, notify) = (receiver.allocate().unwrap(), receiver.allocate().unwrap());
    let give = |to: &SendRight| to.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
    give(&receiver.look_up("holder").unwrap());
    let mut message = Received::new();
    own.receive(&mut message).unwrap();
    let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
    let meeting = receiver.allocate().unwrap();
    let mut issuer = spawn(test, "issuer", receiver.prepare_child(&meeting).unwrap());
    meeting.receive(&mut message).unwrap();
    give(&message.take_rights().pop().and_then(Right::into_send).unwrap());
    port.request_no_senders(0, &notify);
    while message.id() != DONE {
        meeting.receive(&mut message).unwrap();
    }
    issuer.kill();
    // The receiver asks when it hears of the death.
    let asking = std::thread::spawn(move || notify.receive(&mut Received::new()).unwrap());
    let (dead, asker, asked) = stranger.hear(|event| match event {
        Event::Settle { issuer, receiver, port } => Some((issuer, receiver, port)),
        _ => None,
    });
    let works = || {
        right.send(Message::new(USED, b"")).unwrap();
        port.receive(&mut Received::new()).unwrap();
        assert!(!asking.is_finished(), "no-senders, and an honest right lives");
    };
    works();
    answer(stranger, [dead, asker], asked, &works);
    works();
    drop(right);
    asking.join().unwrap();
}

/// Fails if an answer that makes no sense, or one that nobody asked for, ends a right of another task.
#[test]
fn an_answer_of_nonsense_concerns_who_gives_it() {
    const TEST: &str = "an_answer_of_nonsense_concerns_who_gives_it";
    ask_a_stranger(TEST, |stranger, [issuer, receiver], port, works| {
        let own = stranger.task;
        for issuer in [0, own, receiver, u64::MAX, issuer, issuer] {
            for held in [u32::MAX, 0, 0] {
                for wrong in [PortRef { key: 0, ..port }, PortRef { port: 9, ..port }, port] {
                    stranger.say(&Request::Settled { receiver, port: wrong, issuer, held });
                }
                stranger.say(&Request::Settle { issuer, port, to: receiver });
            }
            works();
            for count in [1, u32::MAX] {
                stranger.say(&Request::Release { receiver, port, count, by: issuer });
            }
        }
        stranger.say(&Request::Settled { receiver: u64::MAX, port, issuer, held: 0 });
        stranger.say(&Request::Release { receiver, port, count: u32::MAX, by: 0 });
        // Answered behind all that: the authority has heard it.
        stranger.ask(&Request::LookUp { name: "nobody".to_owned(), wait: false });
        works();
        std::mem::forget(stranger); // it lives on
    });
}

/// Fails if silence holds up anybody, or if the grant outlives its destination.
#[test]
fn a_destination_that_never_answers_keeps_what_it_was_granted() {
    const TEST: &str = "a_destination_that_never_answers_keeps_what_it_was_granted";
    ask_a_stranger(TEST, |stranger, _, _, works| {
        for _ in 0..20 {
            works();
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(stranger);
    });
}

/// The issuer passes rights on as fast as it can and is killed wherever it happens to be. Fails if a
/// right that has arrived is no good, or if the port has senders when none is left.
#[test]
fn an_issuer_is_killed_anywhere() {
    const TEST: &str = "an_issuer_is_killed_anywhere";
    if role().is_some() {
        let issuer = Issuer::start();
        loop {
            let message = Message::new(1, b"").with_right(issuer.right.clone());
            let _ = issuer.destination.try_send(message); // with room or without
        }
    }
    let _watchdog = Watchdog::start(TEST, 120);
    let mut random = Random::new(7);
    let mut arrived = 0;
    for round in 0..8 {
        let mut scene = Scene::start(TEST);
        let mut rights = Vec::new();
        let until = Instant::now() + Duration::from_micros(random.below(80_000) as u64);
        while Instant::now() < until && rights.len() < 100 {
            assert!(!scene.has_no_senders(), "round {round}: the issuer has a right");
            let mut message = Received::new();
            if scene.queue.try_receive(&mut message).is_ok() && random.below(3) == 0 {
                rights.extend(message.take_rights().into_iter().filter_map(Right::into_send));
            }
        }
        scene.issuer.kill();
        rights.extend(scene.drain());
        arrived += rights.len();
        for right in &rights {
            right.send(Message::new(USED, b"")).unwrap();
            let mut message = Received::new();
            scene.port.receive(&mut message).unwrap();
            assert_eq!(message.id(), USED, "round {round}");
        }
        if let Some(last) = rights.pop() {
            drop(rights);
            scene.is_good(last);
        } else {
            scene.loses_senders();
        }
    }
    assert!(arrived > 0, "in some round a right was passed on");
}
