//! SIGKILL at every step of a receive right's way to another task: of the task that gives it, of the one
//! that gets it, and of the authority between them, which is also stopped there (see `common::trace`).
//! The port is at one of the two, or dead; who has a right to it finds it there, or learns of its death.

mod common;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use common::census::{Census, alone, role_beside};
use common::machd::{Machd, connected, socket};
use common::meet::{Pair, next, send_rights, until_no_senders};
use common::trace::{Point, Traced, patience};
use common::watchdog::Watchdog;
use common::{Peer, inherited, spawn, sys};
use rustix::net::connect;
use shm_mach::authority::Embedded;
use shm_mach::ipc::NameReader;
use shm_mach::{
    Geometry, Message, Notification, Options, ReceiveRight, Received, Right, SendFailure, SendRight, Task,
};

/// Small, so that little is looked at after each step.
const SIZES: Geometry = Geometry { slots: 16, areas: 8, area_bytes: 16 << 10 };
/// What the message under test says: longer than a slot.
const BODY: &[u8] = &[0x5a; 100];
const ID: i32 = 7;
/// Fills the queue that has no room then.
const FILLS: i32 = 8;
/// Messages in the queue of the port that the victim receives, or destroys.
const QUEUED: i32 = 3;

fn options() -> Options {
    Options::default().geometry(SIZES).queue_limit(8)
}

fn receive_right(message: &mut Received) -> Option<ReceiveRight> {
    let mut rights = message.take_rights();
    assert!(rights.len() <= 1, "{rights:?}");
    rights.pop().map(|right| right.into_receive().expect("what was sent was offered before"))
}

/// The victim: says hello, waits until it may, and makes the call between two marks.
fn victim(variant: &str) {
    let (task, home) = Task::attach_to(inherited(), &options()).unwrap();
    let home = home.expect("started with a special port");
    let (own, inbox) = (task.allocate().unwrap(), task.allocate().unwrap());
    let hello = Message::new(0, b"hello").with_right(own.make_send()).with_right(inbox.make_send());
    home.send(hello).unwrap();
    let mut message = Received::new();
    own.receive(&mut message).unwrap();
    let reply = message.take_reply();
    let port = task.allocate().unwrap();
    let kept = port.make_send();
    let moved = Message::new(ID, BODY).with_right(port);
    if variant == "withdraw" {
        home.send(Message::new(FILLS, BODY)).unwrap();
    }
    let mut inbox = Some(inbox);
    let mut received = Received::new();
    sys::be_traced();
    sys::stop_here();
    match variant {
        "give" => {
            home.send(moved).unwrap();
            kept.send(Message::new(1, BODY)).unwrap();
        }
        "answer" => reply.unwrap().send(moved).unwrap(),
        "withdraw" => {
            let refused = home.try_send(moved).unwrap_err();
            assert_eq!(refused.failure(), SendFailure::TimedOut);
        }
        "take" => inbox.as_ref().unwrap().try_receive(&mut received).unwrap(),
        "destroy" => drop(inbox.take()),
        other => panic!("{other}"),
    }
    sys::stop_here();
    sys::exit_now(0);
}

/// Those who survive, in this process: two tasks that talk, and the port that the victim's special right
/// leads to.
struct Home {
    pair: Pair,
    meeting: ReceiveRight,
    answers: ReceiveRight,
}

impl Home {
    fn new(authority: &Embedded) -> Self {
        let pair = Pair::new(|| authority.connect().unwrap(), &options());
        let (meeting, answers) = (pair.task.allocate().unwrap(), pair.task.allocate().unwrap());
        Self { pair, meeting, answers }
    }

    /// A victim that stands at its first mark, and the right that was kept to a port that it gets.
    fn start(&self, test: &str, variant: &str) -> (Peer, Traced, Option<SendRight>) {
        self.meeting.set_queue_limit(if variant == "withdraw" { 1 } else { 8 }).unwrap();
        let peer = spawn(test, variant, self.pair.task.prepare_child(&self.meeting).unwrap());
        let mut hello = next(&self.meeting, "hello");
        let rights: Vec<SendRight> = send_rights(&mut hello).collect();
        let mut kept = None;
        match variant {
            "take" | "destroy" => {
                let port = self.pair.task.allocate().unwrap();
                let right = port.make_send();
                rights[1].send(Message::new(ID, BODY).with_right(port)).unwrap();
                (0..QUEUED).for_each(|id| right.send(Message::new(id, BODY)).unwrap());
                kept = Some(right);
            }
            _ => {}
        }
        let go_on = Message::new(0, b"go on");
        rights[0].send(go_on.reply_to(self.answers.make_send_once())).unwrap();
        self.meeting.request_no_senders(0, &self.meeting);
        let traced = Traced::at_mark(&peer);
        (peer, traced, kept)
    }

    /// The victim is dead: what is left of it? Says whether the message under test was sent.
    fn judge(&self, variant: &str, kept: Option<SendRight>) -> bool {
        let mut all = until_no_senders(&self.meeting, "the special port");
        all.retain(|message| message.id() != FILLS);
        let mut answer = next(&self.answers, "an answer, or its end");
        if answer.notification() == Some(Notification::SendOnce) {
            assert!(answer.take_rights().is_empty());
        } else {
            all.push(answer);
        }
        assert!(all.len() <= 1, "twice: {all:?}");
        for message in &mut all {
            assert_eq!((message.id(), message.body()), (ID, BODY), "torn");
            let port = receive_right(message).expect("the message has its right");
            port.request_no_senders(0, &port);
            let told = until_no_senders(&port, "a port whose giver is dead");
            assert!(told.len() <= usize::from(variant == "give"), "{told:?}");
            assert!(told.iter().all(|message| (message.id(), message.body()) == (1, BODY)), "torn");
            is_good(&port);
        }
        if let Some(kept) = kept {
            let failure = kept.send(Message::new(0, b"")).unwrap_err().failure();
            assert_eq!(failure, SendFailure::PortDied, "the port is the dead task's, wherever it lay");
        }
        self.pair.goes_on();
        !all.is_empty()
    }

    /// The number that the next port gets.
    fn next_number(&self) -> u64 {
        let reader = NameReader::adopt(self.pair.task.names_file()).unwrap();
        let port = self.pair.task.allocate().unwrap();
        reader.lookup(port.name()).expect("it has a name").place.offset
    }
}

/// It is like any other port of its task.
fn is_good(port: &ReceiveRight) {
    port.make_send().send(Message::new(5, BODY)).unwrap();
    assert_eq!(next(port, "its own task's message").body(), BODY);
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
    let (mut peer, mut traced, kept) = home.start(test, variant);
    let course = traced.measure(|| false);
    traced.kill(&mut peer);
    assert_eq!(home.judge(variant, kept), sends, "it had come to its end");
    drop(home);

    let mut sent = 0;
    for point in course.kills() {
        let home = Home::new(&authority);
        let number = home.next_number();
        let (mut peer, mut traced, kept) = home.start(test, variant);
        traced.run_to(*point);
        traced.kill(&mut peer);
        let judged = std::panic::catch_unwind(AssertUnwindSafe(|| home.judge(variant, kept)));
        sent += usize::from(judged.unwrap_or_else(|_| panic!("killed at {point:?}")));
        assert_eq!(home.next_number(), number, "killed at {point:?}: a port is left that nobody can have");
        drop(home);
        before.expect_again(std::process::id(), "after a kill");
    }
    eprintln!("{variant}: {}; {sent} sent", course.describe());
    assert!((1..course.kills().len()).contains(&sent) == sends, "some kills come before, some after");
}

/// Gives a receive right. Fails if it arrives and is not good, if its giver's right is counted for ever, or
/// if the other task keeps a port whose right never comes.
#[test]
fn killed_in_give() {
    matrix("killed_in_give", true);
}

/// The same in an answer.
#[test]
fn killed_in_answer() {
    matrix("killed_in_answer", true);
}

/// Offers a receive right, finds no room, and takes it back.
#[test]
fn killed_in_withdraw() {
    matrix("killed_in_withdraw", false);
}

/// Receives a receive right. Fails if the port outlives its receiver.
#[test]
fn killed_in_take() {
    matrix("killed_in_take", false);
}

/// Destroys one unread.
#[test]
fn killed_in_destroy() {
    matrix("killed_in_destroy", false);
}

// The authority.

/// What a call that needs the authority came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Alone,
}

/// Two tasks of this process, and an authority of their own.
struct World {
    machd: Machd,
    pair: Pair,
}

/// A thread that gives a port to the other task, and what keeps the authority busy when it is done: who runs
/// that step by step waits for its next step.
struct Call {
    call: JoinHandle<(Outcome, Option<ReceiveRight>, SendRight)>,
    nudges: JoinHandle<()>,
    is_done: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
    /// Where the message goes.
    inbox: ReceiveRight,
}

impl World {
    fn new(number: usize) -> Self {
        let machd = Machd::start(number);
        let pair = Pair::new(|| connected(&machd.address), &options());
        Self { machd, pair }
    }

    fn begin(&self) -> Call {
        let inbox = self.pair.other.allocate().unwrap();
        self.pair.to_task.send(Message::new(0, b"").with_right(inbox.make_send())).unwrap();
        let to_inbox = send_rights(&mut next(&self.pair.from_other, "a right")).next().unwrap();
        let (is_done, is_over) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (task, done) = (self.pair.task.clone(), is_done.clone());
        let call = std::thread::spawn(move || {
            let port = task.allocate().unwrap();
            let kept = port.make_send();
            let result = to_inbox.send(Message::new(ID, BODY).with_right(port));
            done.store(true, Ordering::Release);
            match result {
                Ok(()) => (Outcome::Done, None, kept),
                Err(refused) => {
                    assert_eq!(refused.failure(), SendFailure::NoAuthority);
                    let right = refused.into_message().take_rights().pop().and_then(Right::into_receive);
                    (Outcome::Alone, Some(right.expect("it comes back")), kept)
                }
            }
        });
        let (done, over, address) = (is_done.clone(), is_over.clone(), self.machd.address.clone());
        let nudges = std::thread::spawn(move || {
            while !over.load(Ordering::Acquire) {
                if done.load(Ordering::Acquire) {
                    let _ = connect(socket(), &address);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Call { call, nudges, is_done, is_over, inbox }
    }

    /// The authority runs by itself, or is dead: the port is at one of the two, and the giver's right leads
    /// there.
    fn judge(&self, call: Call) -> Outcome {
        call.is_over.store(true, Ordering::Release);
        call.nudges.join().unwrap();
        let (outcome, here, kept) = call.call.join().unwrap();
        let port = match here {
            Some(port) => port,
            None => receive_right(&mut next(&call.inbox, "the message")).expect("it has its right"),
        };
        kept.send(Message::new(1, BODY)).unwrap();
        assert_eq!(next(&port, "by the right that was kept").body(), BODY);
        port.request_no_senders(0, &port);
        drop(kept);
        assert!(until_no_senders(&port, "no senders").is_empty());
        is_good(&port);
        self.pair.goes_on();
        outcome
    }
}

/// Fails if the giver and the receiver disagree about where the port is, or one of them waits for ever.
#[test]
fn the_authority_is_killed_or_stands_still_while_a_port_moves() {
    const TEST: &str = "the_authority_is_killed_or_stands_still_while_a_port_moves";
    if alone(TEST) {
        return;
    }
    let _watchdog = Watchdog::start(TEST, patience());
    let before = Census::here();
    let world = World::new(0);
    let mut traced = Traced::waiting(&world.machd.process);
    let call = world.begin();
    let course = traced.measure(|| call.is_done.load(Ordering::Acquire));
    traced.let_go();
    assert_eq!(world.judge(call), Outcome::Done);
    drop(world);

    let mut done = 0;
    for (number, point) in (1..).zip(course.kills()) {
        let judged = std::panic::catch_unwind(|| kill_and_stop(number, *point));
        done += usize::from(judged.unwrap_or_else(|_| panic!("at {point:?}")) == Outcome::Done);
    }
    before.expect_again(std::process::id(), "after all");
    eprintln!("{}, stopped as often; {done} calls were done", course.describe());
    assert!((1..course.kills().len()).contains(&done), "some kills come before the answer, some after");
}

/// Says what the call came to where the authority was killed.
fn kill_and_stop(number: usize, point: Point) -> Outcome {
    let begin = |number| {
        let world = World::new(number);
        let mut traced = Traced::waiting(&world.machd.process);
        let call = world.begin();
        traced.run_to(point);
        (world, traced, call)
    };
    let (world, traced, call) = begin(2 * number);
    world.pair.goes_on();
    traced.let_go();
    assert_eq!(world.judge(call), Outcome::Done, "as if nothing had been");

    let (mut world, traced, call) = begin(2 * number + 1);
    traced.kill(&mut world.machd.process);
    world.judge(call)
}
