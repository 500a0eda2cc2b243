//! The authority is killed, or stands still, in each state of its service that others can tell from the
//! one before: in the middle of attaching a task, introducing two, keeping and finding names, passing
//! rights on and back, and telling of a death. Established traffic goes on; what needs the authority
//! ends with an error, or, if it only stood still, as if nothing had been; deaths are still learnt.

mod common;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use common::census::{Census, alone, role_beside};
use common::machd::{Machd, connected, socket};
use common::meet::{Pair, next, send_rights, soon, until_no_senders};
use common::trace::{Point, Traced, patience};
use common::watchdog::Watchdog;
use common::{Peer, inherited, spawn};
use rustix::net::connect;
use shm_mach::{
    AuthorityError, Deadline, Geometry, Message, Options, ReceiveError, ReceiveRight, Received, SendError,
    SendFailure, SendRight, Task,
};

const SIZES: Geometry = Geometry { slots: 16, areas: 8, area_bytes: 16 << 10 };
const LIMIT: u32 = 8;
const NAME: &str = "test.kill";
const BODY: &[u8] = &[0x5a; 100];
const ID: i32 = 7;

fn options() -> Options {
    Options::default().geometry(SIZES).queue_limit(LIMIT)
}

/// A task that says hello and then waits to be killed.
fn mortal() {
    let (task, home) = Task::attach_to(inherited(), &options()).unwrap();
    home.unwrap().send(Message::new(0, b"hello")).unwrap();
    let never = task.allocate().unwrap();
    panic!("{:?}", never.receive(&mut Received::new()));
}

/// What a call that needs the authority came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// What it always comes to.
    Done,
    /// There is no authority any more.
    Alone,
}

fn answered<T>(result: Result<T, AuthorityError>) -> Outcome {
    match result.map(drop) {
        Ok(()) => Outcome::Done,
        Err(AuthorityError::Gone) => Outcome::Alone,
        Err(error) => panic!("{error}"),
    }
}

fn sent(result: Result<(), SendError<'_>>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(refused) => {
            assert_eq!(refused.failure(), SendFailure::NoAuthority);
            assert_eq!(refused.into_message().body(), BODY, "it comes back whole");
            Outcome::Alone
        }
    }
}

/// The tasks around an authority. All but one live in this process.
struct World {
    machd: Machd,
    /// Two tasks that are linked.
    pair: Pair,
    /// A port of the pair's first task.
    target: ReceiveRight,
    /// A task that is to die, and a port of the pair's first task that its right leads to.
    mortal: Peer,
    meeting: ReceiveRight,
    /// The task that makes the call under test, with rights to the target, and to a port of the pair's
    /// other task, which it never talks to.
    subject: Task,
    to_target: SendRight,
    to_stranger: SendRight,
    /// Rights that were never used: when they are dropped, the authority is told, and not asked.
    unused: Vec<SendRight>,
    _bystander: ReceiveRight,
    /// A port of the subject's, and the pair's right to it, of those calls that are about one.
    port: Option<ReceiveRight>,
    right: Option<SendRight>,
    /// Where that right is passed on to.
    destination: Option<ReceiveRight>,
}

impl World {
    fn new(test: &str, variant: &str, number: usize) -> Self {
        let machd = Machd::start(number);
        let pair = Pair::new(|| connected(&machd.address), &options());
        let meeting = pair.task.allocate().unwrap();
        let mortal = spawn(test, "mortal", pair.task.prepare_child(&meeting).unwrap());
        next(&meeting, "hello");
        meeting.request_no_senders(0, &meeting);
        let target = pair.task.check_in("test.target").unwrap();
        let subject = Task::attach_to(connected(&machd.address), &options()).unwrap().0;
        let to_target = subject.look_up("test.target").unwrap();
        let to_stranger = subject.look_up("test.other").unwrap();
        let bystander = Task::attach_to(connected(&machd.address), &options()).unwrap().0;
        let named = bystander.check_in("test.bystander").unwrap();
        let tasks = [&pair.task, &pair.other, &subject];
        let unused = tasks.map(|task| task.look_up("test.bystander").unwrap()).into();
        let mut world = Self {
            machd,
            pair,
            target,
            mortal,
            meeting,
            subject,
            to_target,
            to_stranger,
            unused,
            _bystander: named,
            port: None,
            right: None,
            destination: None,
        };
        if matches!(variant, "grants" | "releases") {
            world.give(variant == "releases");
        }
        // What they have said without waiting is served too.
        for task in [&world.subject, &world.pair.task, &world.pair.other] {
            assert!(matches!(task.look_up("nobody"), Err(AuthorityError::UnknownService)));
        }
        world
    }

    /// Gives the pair a right to a port of the subject's; `on`: the first passes it on to the other.
    fn give(&mut self, on: bool) {
        let port = self.subject.allocate().unwrap();
        self.to_target.send(Message::new(1, b"").with_right(port.make_send())).unwrap();
        let mut right = send_rights(&mut next(&self.target, "a right")).next().unwrap();
        if on {
            self.pair.to_other.send(Message::new(1, b"").with_right(right)).unwrap();
            right = send_rights(&mut next(&self.pair.port, "a right")).next().unwrap();
        }
        port.request_no_senders(0, &port);
        (self.port, self.right) = (Some(port), Some(right));
    }

    /// The call under test: runs on a thread of its own. It is told when the authority is dead.
    fn call(&mut self, variant: &str) -> Box<dyn FnOnce(&AtomicBool) -> Outcome + Send> {
        let (subject, address) = (self.subject.clone(), self.machd.address.clone());
        match variant {
            "attaches" => Box::new(move |_| {
                let socket = socket();
                match connect(&socket, &address) {
                    Ok(()) => answered(Task::attach_to(socket, &options())),
                    Err(_) => Outcome::Alone,
                }
            }),
            "introduces" => {
                let right = self.to_target.clone();
                Box::new(move |_| sent(right.send(Message::new(ID, BODY))))
            }
            "registers" => Box::new(move |_| answered(subject.check_in(NAME))),
            "finds" => Box::new(move |_| answered(subject.look_up("test.task"))),
            "endows" => Box::new(move |_| {
                let port = subject.allocate().unwrap();
                answered(subject.prepare_child(&port))
            }),
            "awaits" => {
                let task = self.pair.task.clone();
                let waiting = std::thread::spawn(move || task.look_up_deadline(NAME, soon()).map(drop));
                Box::new(move |_| {
                    let service = subject.check_in(NAME);
                    let found = answered(waiting.join().unwrap());
                    if answered(service) == Outcome::Done { found } else { Outcome::Alone }
                })
            }
            "grants" => {
                let ((destination, to), right) = (self.pair.port_of_other(), self.right.take().unwrap());
                self.destination = Some(destination);
                Box::new(move |_| sent(to.send(Message::new(ID, BODY).with_right(right))))
            }
            "releases" => {
                let (port, right) = (self.port.take().unwrap(), self.right.take().unwrap());
                Box::new(move |is_dead| {
                    drop(right);
                    let mut is_last = false;
                    loop {
                        let slice = Deadline::after(Duration::from_millis(100));
                        match port.receive_deadline(&mut Received::new(), slice) {
                            Ok(()) => return Outcome::Done,
                            Err(ReceiveError::TimedOut) if is_last => return Outcome::Alone,
                            Err(ReceiveError::TimedOut) => is_last = is_dead.load(Ordering::Acquire),
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            }
            other => panic!("{other}"),
        }
    }

    /// What the call came to is seen by those whom it concerns.
    fn has_effect(&mut self, variant: &str, outcome: Outcome, is_alive: bool) {
        let is_done = outcome == Outcome::Done;
        match variant {
            "introduces" if is_done => {
                let message = next(&self.target, "what was acknowledged is received");
                assert_eq!((message.id(), message.body()), (ID, BODY));
            }
            "grants" if is_done => {
                let destination = self.destination.as_ref().unwrap();
                let mut message = next(destination, "what was acknowledged is received");
                assert_eq!((message.id(), message.body()), (ID, BODY));
                let right = send_rights(&mut message).next().expect("with its right");
                let used = sent(right.send(Message::new(ID, BODY)));
                assert_eq!(used == Outcome::Done, is_alive, "the link is made at the first send");
            }
            _ => {}
        }
    }

    /// The authority is dead: who knows each other goes on, and nobody waits for it.
    fn goes_on_alone(mut self, variant: &str, outcome: Outcome) {
        self.pair.goes_on();
        assert!(self.pair.goes_on_in_order(soon()), "nobody waits for what the dead had announced");
        self.has_effect(variant, outcome, false);
        assert_eq!(answered(self.subject.look_up("test.task")), Outcome::Alone);
        assert_eq!(sent(self.to_stranger.send(Message::new(ID, BODY))), Outcome::Alone);
        if variant == "introduces" {
            self.nobody_sticks();
        }
        self.mortal.kill();
        assert!(until_no_senders(&self.meeting, "the kernel tells of the death").is_empty());
    }

    /// More than the queue holds, over a link that may never be completed.
    fn nobody_sticks(&self) {
        let mut acknowledged = 0;
        std::thread::scope(|scope| {
            let (target, right) = (&self.target, self.to_target.clone());
            let sender = scope.spawn(move || {
                let send = |_: &u32| sent(right.send_deadline(Message::new(ID, BODY), soon()));
                (0..3 * LIMIT).take_while(|n| send(n) == Outcome::Done).count()
            });
            let mut message = Received::new();
            while !sender.is_finished() {
                let slice = Deadline::after(Duration::from_millis(20));
                acknowledged += usize::from(target.receive_deadline(&mut message, slice).is_ok());
            }
            while target.try_receive(&mut message).is_ok() {
                acknowledged += 1;
            }
            assert_eq!(acknowledged, sender.join().unwrap(), "what was acknowledged is received");
        });
    }
}

/// A call that runs, and what keeps the authority busy when it has returned: who runs that step by step
/// waits for its next step.
struct Call {
    call: JoinHandle<Outcome>,
    nudges: JoinHandle<()>,
    is_done: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
}

impl Call {
    fn begin(world: &mut World, variant: &str) -> Self {
        let (is_done, is_over) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let call = world.call(variant);
        let (done, over) = (is_done.clone(), is_over.clone());
        let call = std::thread::spawn(move || {
            let outcome = call(&over);
            done.store(true, Ordering::Release);
            outcome
        });
        let (done, over, address) = (is_done.clone(), is_over.clone(), world.machd.address.clone());
        let nudges = std::thread::spawn(move || {
            while !over.load(Ordering::Acquire) {
                if done.load(Ordering::Acquire) {
                    let _ = connect(socket(), &address);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Self { call, nudges, is_done, is_over }
    }

    /// The authority is dead, or runs by itself: what did the call come to?
    fn end(self) -> Outcome {
        self.is_over.store(true, Ordering::Release);
        self.nudges.join().unwrap();
        self.call.join().unwrap()
    }
}

/// Runs an authority to a point of its service and kills it there; says what became of the call.
fn kill_at(test: &str, variant: &'static str, number: usize, point: Point) -> JoinHandle<Outcome> {
    let mut world = World::new(test, variant, number);
    let mut traced = Traced::waiting(&world.machd.process);
    let call = Call::begin(&mut world, variant);
    traced.run_to(point);
    if number.is_multiple_of(2) {
        world.unused.clear(); // it dies with something unread, which the kernel tells before its last words
    }
    traced.kill(&mut world.machd.process);
    std::thread::spawn(move || {
        let outcome = call.end();
        world.goes_on_alone(variant, outcome);
        outcome
    })
}

/// Runs an authority to a point of its service, and lets it stand there for a while. Says whether ports
/// that have an order among senders went on too: not if an event was announced that may tell of a sender.
fn stop_at(test: &str, variant: &str, number: usize, point: Point) -> bool {
    let mut world = World::new(test, variant, number);
    let mut traced = Traced::waiting(&world.machd.process);
    let call = Call::begin(&mut world, variant);
    traced.run_to(point);
    world.pair.goes_on();
    let in_order = world.pair.goes_on_in_order(Deadline::after(Duration::from_millis(300)));
    traced.let_go();
    assert_eq!(call.end(), Outcome::Done, "as if nothing had been");
    world.has_effect(variant, Outcome::Done, true);
    assert!(world.pair.goes_on_in_order(soon()), "at the latest now");
    world.mortal.kill();
    assert!(until_no_senders(&world.meeting, "the authority tells of the death").is_empty());
    in_order
}

fn matrix(test: &'static str) {
    if role_beside().is_some() {
        return mortal();
    }
    if alone(test) {
        return;
    }
    let _watchdog = Watchdog::start(test, patience());
    let variant = test.rsplit_once('_').unwrap().1;
    let before = Census::here();
    let mut world = World::new(test, variant, 0);
    let mut traced = Traced::waiting(&world.machd.process);
    let call = Call::begin(&mut world, variant);
    let course = traced.measure(|| call.is_done.load(Ordering::Acquire));
    traced.let_go();
    assert_eq!(call.end(), Outcome::Done);
    drop(world);

    let kills = course.kills();
    let runs: Vec<_> =
        (1..).zip(kills).map(|(n, point)| (point, kill_at(test, variant, n, *point))).collect();
    let mut done = 0;
    for (point, run) in runs {
        let outcome = run.join().unwrap_or_else(|_| panic!("killed at {point:?}"));
        done += usize::from(outcome == Outcome::Done);
    }
    let mut waited = 0;
    for (n, point) in (kills.len() + 1..).zip(kills) {
        let stopped = std::panic::catch_unwind(AssertUnwindSafe(|| stop_at(test, variant, n, *point)));
        waited += usize::from(!stopped.unwrap_or_else(|_| panic!("stopped at {point:?}")));
    }
    // An event is counted when it is sent: nobody waits for one that is still to come.
    assert_eq!(waited, 0, "a stopped authority held up messages in order");
    before.expect_again(std::process::id(), "after all");
    eprintln!(
        "{variant}: {}, stopped as often; {done} calls were done, {waited} times order waited",
        course.describe()
    );
    assert!((1..kills.len()).contains(&done), "some kills come before the answer, some after");
}

/// Fails if a task that is half attached waits for ever.
#[test]
fn it_is_killed_while_it_attaches() {
    matrix("it_is_killed_while_it_attaches");
}

/// The first send to a task. Fails if what was acknowledged is not received, or if a link that nobody
/// can complete any more holds its sender up for ever.
#[test]
fn it_is_killed_while_it_introduces() {
    matrix("it_is_killed_while_it_introduces");
}

/// Fails if a register that is not answered waits for ever.
#[test]
fn it_is_killed_while_it_registers() {
    matrix("it_is_killed_while_it_registers");
}

/// Fails if a look-up that is not answered waits for ever.
#[test]
fn it_is_killed_while_it_finds() {
    matrix("it_is_killed_while_it_finds");
}

/// A name that somebody waits for. Fails if the death of the authority does not end that wait.
#[test]
fn it_is_killed_while_one_awaits() {
    matrix("it_is_killed_while_one_awaits");
}

/// A connection for a child, with a special port. Fails if it is awaited for ever.
#[test]
fn it_is_killed_while_it_endows() {
    matrix("it_is_killed_while_it_endows");
}

/// Fails if a right that was acknowledged does not arrive, or a refused message does not come back.
#[test]
fn it_is_killed_while_it_grants() {
    matrix("it_is_killed_while_it_grants");
}

/// A right that was passed on is dropped unused. Fails if a drop waits.
#[test]
fn it_is_killed_while_it_releases() {
    matrix("it_is_killed_while_it_releases");
}
