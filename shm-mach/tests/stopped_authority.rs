//! An authority that stands still, and a peer that is killed meanwhile: who waits for the peer learns of
//! it from the kernel. A living peer stays alive, and what the authority tells when it goes on is no
//! second death.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::machd::{Machd, connected};
use common::meet::{next, park, send_rights, soon, until_no_senders};
use common::watchdog::Watchdog;
use common::{Peer, inherited, role, spawn};
use rustix::process::{Signal, kill_process};
use shm_mach::{
    Deadline, Message, Notification, Options, ReceiveError, ReceiveRight, Received, Right, SendFailure,
    SendRight, Task,
};

/// What a short wait lasts: much less than a tick.
const SHORT: Duration = Duration::from_millis(20);
const LIMIT: u32 = 2;

fn options() -> Options {
    Options::default().queue_limit(LIMIT)
}

/// Gives the parent a right to a port that it never reads, and takes what the parent gives it.
fn child() -> ! {
    let (task, home) = Task::attach_to(inherited(), &options()).unwrap();
    let (queue, own) = (task.allocate().unwrap(), task.allocate().unwrap());
    let gift = Message::new(0, b"").with_right(queue.make_send()).with_right(own.make_send());
    home.unwrap().send(gift).unwrap();
    let mut message = Received::new();
    own.receive(&mut message).unwrap();
    let rights = message.take_rights();
    for right in &rights {
        if let Right::Send(right) = right {
            right.send(Message::new(1, b"")).unwrap();
        }
    }
    park()
}

/// A task, a child that is its peer, and an authority that can be stopped.
struct Scene {
    machd: Machd,
    task: Task,
    child: Peer,
    meeting: ReceiveRight,
    /// To a port of the child's that it never reads, and to one that it reads once.
    to_queue: SendRight,
    to_child: SendRight,
    /// The child holds a right to this one.
    port: ReceiveRight,
    answers: ReceiveRight,
}

impl Scene {
    /// All have met, and the authority stands still.
    fn new(test: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let machd = Machd::start(NUMBER.fetch_add(1, Ordering::Relaxed));
        let task = Task::attach_to(connected(&machd.address), &options()).unwrap().0;
        let (meeting, port) = (task.allocate().unwrap(), task.allocate().unwrap());
        let answers = task.allocate().unwrap();
        let child = spawn(test, "child", task.prepare_child(&meeting).unwrap());
        let mut rights = send_rights(&mut next(&meeting, "the child's rights")).collect::<Vec<_>>();
        let (to_child, to_queue) = (rights.pop().unwrap(), rights.pop().unwrap());
        let gifts = Message::new(0, b"").with_right(port.make_send());
        to_child.send(gifts.reply_to(answers.make_send_once())).unwrap();
        port.request_no_senders(0, &port);
        next(&port, "it has the right");
        let scene = Self { machd, task, child, meeting, to_queue, to_child, port, answers };
        scene.signal(Signal::STOP);
        scene
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.machd.process.pid(), signal).unwrap();
    }

    /// Everything that depends on the child has ended, once, and nothing more comes when the authority
    /// goes on.
    fn ends(self) {
        let refused = self.to_child.send(Message::new(0, b"")).unwrap_err();
        assert_eq!(refused.failure(), SendFailure::PortDied);
        let ended = next(&self.answers, "the end of the request");
        assert_eq!(ended.notification(), Some(Notification::SendOnce));
        self.signal(Signal::CONT);
        // When it answers again, it has told everybody of the death.
        assert!(self.task.look_up("nobody").is_err());
        for port in [&self.port, &self.answers] {
            assert_eq!(port.try_receive(&mut Received::new()), Err(ReceiveError::TimedOut), "once");
        }
        drop(self.to_queue);
        self.meeting.request_no_senders(0, &self.meeting);
        until_no_senders(&self.meeting, "the special port");
    }
}

/// Kills the child as soon as somebody waits.
fn with_a_dying_child(scene: &mut Scene, wait: impl FnOnce(&Scene)) {
    let pid = scene.child.pid();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(SHORT);
            kill_process(pid, Signal::KILL).unwrap();
        });
        wait(scene);
    });
}

fn test(test: &'static str, wait: impl FnOnce(&Scene)) {
    if role().is_some() {
        child();
    }
    let _watchdog = Watchdog::start(test, 120);
    let mut scene = Scene::new(test);
    with_a_dying_child(&mut scene, wait);
    scene.ends();
}

/// Fails if a receiver that sleeps waits for the authority's word alone.
#[test]
fn a_receiver_learns_that_its_last_sender_is_dead() {
    test("a_receiver_learns_that_its_last_sender_is_dead", |scene| {
        assert!(until_no_senders(&scene.port, "no-senders").is_empty());
    });
}

/// Fails if waits that are shorter than a tick never ask.
#[test]
fn also_in_many_short_waits() {
    test("also_in_many_short_waits", |scene| {
        let (until, mut message) = (soon(), Received::new());
        while scene.port.receive_deadline(&mut message, Deadline::after(SHORT)).is_err() {
            assert!(!until.has_passed(), "it never learns");
        }
        assert!(matches!(message.notification(), Some(Notification::NoSenders { .. })));
    });
}

/// The same at a set, in short waits and in a long one.
#[test]
fn also_at_a_set() {
    test("also_at_a_set", |scene| {
        let set = scene.task.allocate_set().unwrap();
        set.insert(&scene.port).unwrap();
        let mut message = Received::new();
        set.receive_deadline(&mut message, soon()).expect("no-senders");
        assert!(matches!(message.notification(), Some(Notification::NoSenders { .. })));
        drop(set);
    });
}

/// Fails if a sender that waits for room waits for the authority's word alone.
#[test]
fn a_blocked_sender_learns_that_its_receiver_is_dead() {
    test("a_blocked_sender_learns_that_its_receiver_is_dead", |scene| {
        let refused = loop {
            if let Err(refused) = scene.to_queue.send_deadline(Message::new(0, b""), soon()) {
                break refused.failure();
            }
        };
        assert_eq!(refused, SendFailure::PortDied);
        assert!(until_no_senders(&scene.port, "no-senders").is_empty());
    });
}

/// Fails if whoever waits for an answer waits for the authority's word alone.
#[test]
fn an_asker_learns_that_nobody_will_answer() {
    test("an_asker_learns_that_nobody_will_answer", |scene| {
        let ended = next(&scene.answers, "the end of the request");
        assert_eq!(ended.notification(), Some(Notification::SendOnce));
        let again = scene.answers.make_send_once();
        drop(again); // as many as there were: what follows looks for one
        assert!(until_no_senders(&scene.port, "no-senders").is_empty());
    });
}

/// Fails if a peer that lives is taken for dead, since the authority says nothing.
#[test]
fn a_living_peer_is_not_taken_for_dead() {
    const TEST: &str = "a_living_peer_is_not_taken_for_dead";
    if role().is_some() {
        child();
    }
    let _watchdog = Watchdog::start(TEST, 120);
    let mut scene = Scene::new(TEST);
    for _ in 0..3 {
        // Longer than a tick, which is not to find anything.
        let wait = Deadline::after(Duration::from_millis(1200));
        assert_eq!(scene.port.receive_deadline(&mut Received::new(), wait), Err(ReceiveError::TimedOut));
    }
    assert!(scene.to_queue.try_send(Message::new(0, b"")).is_ok());
    with_a_dying_child(&mut scene, |scene| {
        assert!(until_no_senders(&scene.port, "no-senders").is_empty());
    });
    scene.ends();
}
