//! Messages of several senders: what was sent before is received before.

use futex::Gate;
use futex::sync::{Arc, AtomicU32, Lock, Ordering, fence};
use shm_mach::ring::samples::Samples;
use shm_mach::ring::sleepers::Sleepers;
use shm_mach::ring::slot::Token;
use shm_mach::ring::world::World;

use crate::explore::{Thread, spawn};
use crate::mail::{Inbox, Port, publish, take};
use crate::reply::{Desk, FIRST};
use crate::scene::Scene;
use crate::wire::{Wire, bells};

/// A message that is there from the start.
const EARLIER: i32 = 0;
/// The message that was sent first, and the one that followed from it.
const CAUSE: i32 = 1;
const EFFECT: i32 = 2;

/// How the second sender learns that the first has sent.
#[derive(Clone)]
struct Word(Arc<AtomicU32>);

impl Word {
    fn new() -> Self {
        Self(Arc::new(AtomicU32::new(0)))
    }

    fn tell(&self) {
        self.0.store(1, Ordering::Release);
    }

    /// Whether it was told: who was not told yet does nothing, which is another, smaller run.
    fn is_told(&self) -> bool {
        let told = self.0.load(Ordering::Relaxed) == 1;
        fence(Ordering::Acquire);
        told
    }
}

/// A group of which more than one task may be a sender.
fn shared_port() -> Arc<Port> {
    let group = Port::new(1, Inbox::default());
    group.lock().order.set(true);
    Arc::new(group)
}

/// Looks a few times while the others run, and again when they are done.
fn take_all(group: &Port, scene: &impl World, others: [Thread<()>; 2]) {
    let mut taken: Vec<i32> = (0..2).filter_map(|_| group.try_take(scene, take)).collect();
    others.into_iter().for_each(|other| other.join().unwrap());
    taken.extend(std::iter::from_fn(|| group.try_take(scene, take)));
    let place = |id| taken.iter().position(|taken| *taken == id);
    if let Some(effect) = place(EFFECT) {
        assert!(place(CAUSE) < Some(effect), "what followed was received first: {taken:?}");
        assert!(place(CAUSE).is_some(), "what was sent first is lost: {taken:?}");
    }
}

/// One task sends and tells another, which then sends as well. Something else is being received meanwhile.
pub fn told() {
    let wires = [Wire::new(4).stamped(), Wire::new(4).stamped()];
    let group = shared_port();
    // The one whose message comes second is looked at last.
    wires.iter().for_each(|wire| group.insert(wire.seat(2)));
    let word = Word::new();
    let (mut first, mut second) = (wires[0].sender(2), wires[1].sender(2));
    publish(&mut second, EARLIER);
    let heard = word.clone();
    let cause = spawn(move || {
        publish(&mut first, CAUSE);
        word.tell();
    });
    let effect = spawn(move || {
        if heard.is_told() {
            publish(&mut second, EFFECT);
        }
    });
    take_all(&group, &Scene::quiet(), [cause, effect]);
}

/// The same, over a lane that the receiver does not know when the second message comes.
pub fn told_over_a_new_lane() {
    let wires = [Wire::new(2).stamped(), Wire::new(2).stamped()];
    let group = shared_port();
    group.insert(wires[1].seat(1));
    let (known, home) = (wires[0].clone(), group.clone());
    let scene = Scene::with_news(wires[0].control_bell(), move || {
        known.is_announced().then(|| (home.clone(), known.seat(1)))
    });
    let word = Word::new();
    let (mut first, mut second) = (wires[0].sender(1), wires[1].sender(1));
    let (there, heard) = (wires[0].clone(), word.clone());
    let cause = spawn(move || {
        there.announce();
        publish(&mut first, CAUSE);
        word.tell();
    });
    let effect = spawn(move || {
        if heard.is_told() {
            publish(&mut second, EFFECT);
        }
    });
    take_all(&group, &scene, [cause, effect]);
}

/// A sender that was the only one, and need not stamp what it sends, learns from another that it is not
/// any more. The receiver ended that before it gave the other one a right.
pub fn no_longer_alone() {
    let wires = [Wire::new(2), Wire::new(2).stamped()];
    let group = Arc::new(Port::new(1, Inbox::default()));
    group.insert(wires[0].seat(1));
    let (mut alone, mut other) = (wires[0].sender(1), wires[1].sender(1));
    let (right, word) = (Word::new(), Word::new());
    let (given, heard) = (right.clone(), word.clone());
    let newcomer = spawn(move || {
        if given.is_told() {
            publish(&mut other, CAUSE);
            word.tell();
        }
    });
    let first = spawn(move || {
        if heard.is_told() {
            publish(&mut alone, EFFECT);
        }
    });
    let mut state = group.lock();
    state.order.set(true);
    if futex::sync::step("alone-ends-first") {
        state.seat(0).lane.set_sole(false);
    }
    state.insert(wires[1].seat(1));
    drop(state);
    right.tell();
    take_all(&group, &Scene::quiet(), [newcomer, first]);
}

/// The task's surroundings where a lane that is announced makes its port one of several senders.
struct Newcomer {
    wire: Wire,
    group: Arc<Port>,
    is_known: Lock<bool>,
    sleepers: Sleepers,
}

impl World for Newcomer {
    fn sample(&self, _samples: &mut Samples) {}

    fn look(&self) {
        let mut is_known = self.is_known.lock();
        if !*is_known && self.wire.is_announced() {
            *is_known = true;
            self.group.change(|state| {
                state.order.set(true);
                state.seat(0).lane.set_sole(false);
                state.insert(self.wire.seat(1));
            });
        }
    }

    fn arm(&self, _gates: &mut Vec<Gate>) {}

    fn sleepers(&self) -> &Sleepers {
        &self.sleepers
    }
}

/// The only sender gives its right on, which the receiver has not heard yet, and stamps from then on. It
/// hears of a message of the new holder, and sends one more.
pub fn gives_its_right_on() {
    let wires = [Wire::new(2), Wire::new(2).stamped()];
    let group = Arc::new(Port::new(1, Inbox::default()));
    group.insert(wires[0].seat(1));
    let (mut giver, mut other) = (wires[0].sender(1), wires[1].sender(1));
    let word = Word::new();
    let (there, heard) = (wires[1].clone(), word.clone());
    giver.stamp_always();
    let newcomer = spawn(move || {
        there.announce();
        publish(&mut other, CAUSE);
        word.tell();
    });
    let first = spawn(move || {
        if heard.is_told() {
            publish(&mut giver, EFFECT);
        }
    });
    let [_, wire] = wires;
    let world =
        Newcomer { wire, group: group.clone(), is_known: Lock::new(false), sleepers: Sleepers::default() };
    take_all(&group, &world, [newcomer, first]);
}

/// A group that awaits one answer; the desk where it comes, and its token, which says whether the answer is
/// `stamped`.
fn asking_port(stamped: bool) -> (Arc<Port>, Desk, Token) {
    let desk = Desk::new(1, bells(2), 0);
    let (_, awaited) = desk.ask(0, FIRST, None);
    let group = Port::new(1, Inbox { awaited: vec![awaited], ..Inbox::default() });
    group.lock().order.set(stamped);
    (Arc::new(group), desk, Token::new(0, FIRST, stamped))
}

/// One task answers and tells another, which then sends.
pub fn answered() {
    let (group, desk, token) = asking_port(true);
    let wire = Wire::new(2).stamped();
    group.insert(wire.seat(1));
    let word = Word::new();
    let (mut lane, heard) = (wire.sender(1), word.clone());
    let cause = spawn(move || {
        desk.answer_in_order(token, CAUSE);
        word.tell();
    });
    let effect = spawn(move || {
        if heard.is_told() {
            publish(&mut lane, EFFECT);
        }
    });
    take_all(&group, &Scene::quiet(), [cause, effect]);
}

/// One task sends and tells another, which then answers.
pub fn an_answer_follows() {
    let (group, desk, token) = asking_port(true);
    let wire = Wire::new(2).stamped();
    group.insert(wire.seat(1));
    let word = Word::new();
    let (mut lane, heard) = (wire.sender(1), word.clone());
    let cause = spawn(move || {
        publish(&mut lane, CAUSE);
        word.tell();
    });
    let effect = spawn(move || {
        if heard.is_told() {
            desk.answer_in_order(token, EFFECT);
        }
    });
    take_all(&group, &Scene::quiet(), [cause, effect]);
}

/// An answer was all that could come, and its token asks for no stamp. Then another task gets a right, sends,
/// and tells the one who answers.
pub fn no_longer_the_only_answer() {
    let (group, desk, token) = asking_port(false);
    let wire = Wire::new(2).stamped();
    let mut other = wire.sender(1);
    let (right, word) = (Word::new(), Word::new());
    let (given, heard) = (right.clone(), word.clone());
    let newcomer = spawn(move || {
        if given.is_told() {
            publish(&mut other, CAUSE);
            word.tell();
        }
    });
    let answerer = spawn(move || {
        if heard.is_told() {
            desk.answer_in_order(token, EFFECT);
        }
    });
    let mut state = group.lock();
    state.order.set(true);
    if futex::sync::step("answers-end-alone") {
        state.port.awaited[0].put_in_order();
    }
    state.insert(wire.seat(1));
    drop(state);
    right.tell();
    take_all(&group, &Scene::quiet(), [newcomer, answerer]);
}
