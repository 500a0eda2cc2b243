//! SIGKILL at every step of what a task does with an authority: as in `kill_steps`, a child is killed
//! in each state that others can tell from the one before, between attaching and passing rights on.
//! Whom it knew goes on, each right of it is counted back, and nothing of it is left.

mod common;

use std::panic::AssertUnwindSafe;
use std::thread::JoinHandle;
use std::time::Duration;

use common::census::{Census, alone, role_beside};
use common::meet::{Pair, next, send_rights, soon, until_no_senders};
use common::trace::{Traced, patience};
use common::watchdog::Watchdog;
use common::{Peer, inherited, spawn, sys};
use shm_mach::authority::Embedded;
use shm_mach::{
    AuthorityError, Deadline, Geometry, Identity, Message, Notification, Options, ReceiveError, ReceiveRight,
    Received, SendFailure, SendRight, Task,
};

/// Small, so that little is looked at after each step.
const SIZES: Geometry = Geometry { slots: 16, areas: 8, area_bytes: 16 << 10 };
/// The name that the victim registers or looks up.
const NAME: &str = "test.kill";
/// What the message under test says: longer than a slot.
const BODY: &[u8] = &[0x5a; 100];
const ID: i32 = 7;
/// Requests in the victim's queue when it revokes their sender's right.
const QUEUED: usize = 3;

fn options() -> Options {
    Options::default().geometry(SIZES).queue_limit(8)
}

/// The victim: says hello to the meeting port, unless it is killed while it attaches, waits for what it
/// needs, and makes the call between two marks.
fn victim(variant: &str) {
    let socket = inherited();
    if variant == "attach" {
        sys::be_traced();
        sys::stop_here();
        let attached = Task::attach_to(socket, &options()).unwrap();
        sys::stop_here();
        drop(attached);
        sys::exit_now(0);
    }
    let (task, home) = Task::attach_to(socket, &options()).unwrap();
    let home = home.expect("started with a special port");
    let own = task.allocate().unwrap();
    let mut message = Received::new();
    let mut rights = Vec::new();
    if !matches!(variant, "connect" | "register" | "look_up") {
        home.send(Message::new(0, b"hello").with_right(own.make_send())).unwrap();
        own.receive(&mut message).unwrap();
        rights.extend(send_rights(&mut message));
    }
    match variant {
        // The link to the destination is there already: the grant alone is under test.
        "grant" => rights[1].send(Message::new(0, b"first")).unwrap(),
        // Until the requests are in the queue, behind this one.
        "revocation" => home.send(Message::new(1, b"go on")).unwrap(),
        _ => {}
    }
    sys::be_traced();
    sys::stop_here();
    match variant {
        "connect" => home.send(Message::new(ID, BODY)).unwrap(),
        "register" => task.register(NAME, &own).unwrap(),
        "look_up" => drop(task.look_up(NAME).unwrap()),
        "grant" => {
            let passed = rights.remove(0);
            rights[0].send(Message::new(ID, BODY).with_right(passed)).unwrap();
        }
        "arrival" => own.receive(&mut message).unwrap(),
        "first_send" => rights[0].send(Message::new(ID, BODY)).unwrap(),
        "release" => rights.clear(),
        "revocation" => assert!(own.revoke(message.sender())),
        other => panic!("{other}"),
    }
    sys::stop_here();
    sys::exit_now(0);
}

/// Those who survive: two tasks that talk, and the port that the victim's special right leads to.
struct Home {
    pair: Pair,
    meeting: ReceiveRight,
}

/// What a victim holds, or is held by.
#[derive(Default)]
struct Stake {
    /// The right to this one was given to the victim.
    port: Option<ReceiveRight>,
    /// The right to this one too, to send the first one to.
    destination: Option<ReceiveRight>,
    to_victim: Option<SendRight>,
    answers: Option<ReceiveRight>,
    waiting: Option<JoinHandle<SendRight>>,
}

impl Home {
    fn new(authority: &Embedded) -> Self {
        let pair = Pair::new(|| authority.connect().unwrap(), &options());
        Self { meeting: pair.task.allocate().unwrap(), pair }
    }

    /// A victim that stands at its first mark.
    fn start(&self, test: &str, variant: &str) -> (Peer, Traced, Stake) {
        let peer = spawn(test, variant, self.pair.task.prepare_child(&self.meeting).unwrap());
        let stake = match variant {
            "attach" | "connect" => Stake::default(),
            "register" => {
                let other = self.pair.other.clone();
                let wait = move || other.look_up_deadline(NAME, soon()).unwrap();
                Stake { waiting: Some(std::thread::spawn(wait)), ..Stake::default() }
            }
            "look_up" => Stake { port: Some(self.pair.other.check_in(NAME).unwrap()), ..Stake::default() },
            _ => self.give(variant),
        };
        self.meeting.request_no_senders(0, &self.meeting);
        let traced = Traced::at_mark(&peer);
        (peer, traced, stake)
    }

    /// Gives the victim what its call needs.
    fn give(&self, variant: &str) -> Stake {
        let to_victim = send_rights(&mut next(&self.meeting, "hello")).next().unwrap();
        let message = Message::new(1, b"go on");
        let mut stake = Stake::default();
        match variant {
            "grant" => {
                let port = self.pair.task.allocate().unwrap();
                let (destination, right) = self.pair.port_of_other();
                to_victim.send(message.with_right(port.make_send()).with_right(right)).unwrap();
                port.request_no_senders(0, &port);
                next(&destination, "the victim's first message");
                (stake.port, stake.destination) = (Some(port), Some(destination));
            }
            "revocation" => {
                let answers = self.pair.task.allocate().unwrap();
                to_victim.send(message).unwrap();
                next(&self.meeting, "the victim is ready");
                for _ in 0..QUEUED {
                    to_victim.send(Message::new(2, BODY).reply_to(answers.make_send_once())).unwrap();
                }
                to_victim.send(Message::new(3, b"all are in the queue")).unwrap();
                stake.answers = Some(answers);
            }
            _ => {
                let (port, right) = self.pair.port_of_other();
                let mut passed = Message::new(ID, BODY).with_right(right);
                if variant != "arrival" {
                    let rights = passed.take_rights();
                    passed = rights.into_iter().fold(message, Message::with_right);
                } else {
                    to_victim.send(message).unwrap();
                }
                to_victim.send(passed).unwrap();
                stake.port = Some(port);
            }
        }
        stake.to_victim = Some(to_victim);
        stake
    }

    /// The victim is dead: what is left of it? Says whether the message under test was sent.
    fn judge(self, variant: &str, victim: u32, mut stake: Stake) -> bool {
        let met = until_no_senders(&self.meeting, "the special port");
        let mut sent = is_whole(met);
        if let Some(to_victim) = stake.to_victim {
            let failure = to_victim.send(Message::new(0, b"")).unwrap_err().failure();
            assert_eq!(failure, SendFailure::PortDied);
        }
        let answers =
            stake.answers.iter().flat_map(|answers| (0..QUEUED).map(move |_| next(answers, "an end")));
        for answer in answers {
            assert_eq!(answer.notification(), Some(Notification::SendOnce));
        }
        self.pair.goes_on();
        let port = stake.port.take();
        match (variant, port) {
            ("register", _) => self.name_is_free(stake.waiting.take().unwrap()),
            ("look_up", Some(port)) => {
                // The authority has told everybody of the death when it answers again.
                assert!(matches!(self.pair.other.look_up("nobody"), Err(AuthorityError::UnknownService)));
                let victim = Identity { pid: victim, ..self.pair.task.identity() };
                assert!(!port.revoke(victim), "the dead hold no rights");
                let right = self.pair.task.look_up(NAME).unwrap();
                right.send(Message::new(4, b"")).unwrap();
                next(&port, "a living task's message");
            }
            ("grant", Some(port)) => {
                let destination = stake.destination.take().unwrap();
                let mut arrived = until_no_senders(&destination, "the destination");
                let passed: Vec<SendRight> = arrived.iter_mut().flat_map(send_rights).collect();
                assert_eq!(passed.len(), arrived.len(), "the message has its right");
                sent = is_whole(arrived);
                for right in passed {
                    right.send(Message::new(5, BODY)).unwrap();
                    assert_eq!(next(&port, "by the right that was passed on").body(), BODY);
                }
                drop(destination);
                self.expect_return(&port);
            }
            (_, Some(port)) => sent |= is_whole(until_no_senders(&port, "the port of the third task")),
            (_, None) => {}
        }
        sent
    }

    /// The receiver counts the right no more, also one that was granted and never sent: it asks the other
    /// task what that has of the dead.
    fn expect_return(self, port: &ReceiveRight) {
        let mut message = Received::new();
        let (until, slice) = (soon(), Duration::from_millis(2));
        while port.receive_deadline(&mut message, Deadline::after(slice)).is_err() {
            assert!(!until.has_passed(), "a right that nobody has is counted");
            let look = self.pair.port.try_receive(&mut Received::new());
            assert_eq!(look, Err(ReceiveError::TimedOut), "nothing more was sent");
        }
        assert!(matches!(message.notification(), Some(Notification::NoSenders { .. })), "{message:?}");
        assert_eq!(port.try_receive(&mut message), Err(ReceiveError::TimedOut), "once");
    }

    /// The dead keep no name, and nobody waits for it for ever.
    fn name_is_free(&self, waiting: JoinHandle<SendRight>) {
        let service = self.pair.task.check_in(NAME).expect("the name of the dead is free");
        let mut right = waiting.join().unwrap();
        if let Err(refused) = right.send(Message::new(4, b"")) {
            assert_eq!(refused.failure(), SendFailure::PortDied, "it had found the victim's port");
            right = self.pair.other.look_up(NAME).unwrap();
            right.send(Message::new(4, b"")).unwrap();
        }
        next(&service, "a living task's message");
    }
}

/// Whether there is a message, which is then the one under test, whole, and alone.
fn is_whole(all: Vec<Received>) -> bool {
    assert!(all.len() <= 1, "twice: {all:?}");
    assert!(all.iter().all(|message| (message.id(), message.body()) == (ID, BODY)), "torn: {all:?}");
    !all.is_empty()
}

/// The matrix of one call. `sends`: it sends a message, which is there after some of the kills.
fn matrix(test: &'static str, sends: bool) {
    if let Some(variant) = role_beside() {
        return victim(&variant);
    }
    if alone(test) {
        return;
    }
    let _watchdog = Watchdog::start(test, patience());
    let variant = test.rsplit_once("_in_").unwrap().1;
    let authority = Embedded::start().unwrap();
    let before = Census::here();
    let home = Home::new(&authority);
    let (mut peer, mut traced, stake) = home.start(test, variant);
    let course = traced.measure(|| false);
    let id = peer.0.id();
    traced.kill(&mut peer);
    assert_eq!(home.judge(variant, id, stake), sends, "it had come to its end");

    let mut sent = 0;
    for point in course.kills() {
        let home = Home::new(&authority);
        let (mut peer, mut traced, stake) = home.start(test, variant);
        traced.run_to(*point);
        let id = peer.0.id();
        traced.kill(&mut peer);
        let judged = std::panic::catch_unwind(AssertUnwindSafe(|| home.judge(variant, id, stake)));
        sent += usize::from(judged.unwrap_or_else(|_| panic!("killed at {point:?}")));
        before.expect_again(std::process::id(), "after a kill");
    }
    eprintln!("{variant}: {}; {sent} sent", course.describe());
    assert!((1..course.kills().len()).contains(&sent) == sends, "some kills come before, some after");
}

/// Fails if a child that dies before it is a task keeps its special port's right for ever.
#[test]
fn killed_in_attach() {
    matrix("killed_in_attach", false);
}

/// The first message to a task, which makes the link. Fails if one that was published is not read, or
/// the receiver keeps half a link.
#[test]
fn killed_in_connect() {
    matrix("killed_in_connect", true);
}

/// Fails if the name of a dead task is never free, or whoever waits for it waits for ever.
#[test]
fn killed_in_register() {
    matrix("killed_in_register", false);
}

/// Fails if a right that was found, but never arrived, is counted after its finder's death.
#[test]
fn killed_in_look_up() {
    matrix("killed_in_look_up", false);
}

/// Passes a right on to a third task. Fails if the right arrives and is not good.
#[test]
fn killed_in_grant() {
    matrix("killed_in_grant", true);
}

/// Receives a right that was passed on. Fails if it is counted after the receiver's death.
#[test]
fn killed_in_arrival() {
    matrix("killed_in_arrival", false);
}

/// Uses such a right for the first time, which makes the link.
#[test]
fn killed_in_first_send() {
    matrix("killed_in_first_send", true);
}

/// Drops such a right unused: it is given back through the authority.
#[test]
fn killed_in_release() {
    matrix("killed_in_release", false);
}

/// Revokes another task's right. Fails if a request in the queue comes to no end.
#[test]
fn killed_in_revocation() {
    matrix("killed_in_revocation", false);
}
