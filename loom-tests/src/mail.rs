//! What the models send and take: messages that can be recognised whole.

use futex::sync::{Arc, step, yield_now};
use futex::{Deadline, Gate, WaitSet};
use shm_mach::ring::group::Group;
use shm_mach::ring::lane_in::LaneIn;
use shm_mach::ring::lane_out::{LaneOut, Refusal};
use shm_mach::ring::members::{self, Members};
use shm_mach::ring::order::{Order, Source};
use shm_mach::ring::samples::Samples;
use shm_mach::ring::slot::{Head, Kind};
use shm_mach::ring::state::State;
use shm_mach::ring::world::Sources;

use crate::reply::Awaited;
use crate::wire::Wire;

/// A group whose port holds the ids of local messages, and the answers that are awaited.
pub type Port = Group<Inbox>;

/// A port that can be a member of sets.
pub struct Member {
    port: Port,
    rank: u64,
}

impl Member {
    /// A port without lanes. `rank` is its own.
    pub fn new(rank: u64) -> Arc<Self> {
        Arc::new(Self { port: Port::new(1, Inbox::default()), rank })
    }
}

impl std::ops::Deref for Member {
    type Target = Port;

    fn deref(&self) -> &Port {
        &self.port
    }
}

impl members::Port for Member {
    type Part = Inbox;

    fn group(&self) -> &Port {
        &self.port
    }

    fn rank(&self) -> u64 {
        self.rank
    }
}

/// What else than lanes the threads of a group wait for.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Ids of local messages.
    pub local: Vec<i32>,
    /// Answers.
    pub awaited: Vec<Awaited>,
    /// The half in which they will lie has not arrived yet.
    pub is_pending: bool,
}

impl Inbox {
    /// Which answer is there.
    fn answer(&self) -> Option<usize> {
        self.awaited.iter().position(|awaited| !self.is_pending && awaited.is_there())
    }
}

impl Sources for Inbox {
    fn sample(&mut self, bell: u8, samples: &mut Samples) -> bool {
        if !self.is_pending {
            self.awaited.iter().for_each(|awaited| awaited.sample(bell, samples));
        }
        !self.is_pending
    }

    fn arm(&mut self, bell: u8, gates: &mut Vec<Gate>) -> bool {
        self.awaited.iter_mut().for_each(|awaited| gates.extend(awaited.arm(bell)));
        true
    }

    fn any_ready(&mut self, may_take: bool) -> bool {
        may_take && (!self.local.is_empty() || self.answer().is_some())
    }

    fn due(&mut self, order: &mut Order) {
        for (at, awaited) in self.awaited.iter().enumerate() {
            if let Some(head) = awaited.peek() {
                order.add(head.stamp, Source::Own(at as u64));
            }
        }
    }
}

/// The body of message `id` when it has `length` bytes.
pub(crate) fn body(id: i32, length: usize) -> Vec<u8> {
    let words = (0..length.div_ceil(8)).flat_map(|word| (i64::from(id) * 1000 + word as i64).to_ne_bytes());
    words.take(length).collect()
}

/// Publishes message `id`, and is then killed: rings nothing.
///
/// # Panics
/// When it is refused.
pub fn publish(lane: &mut LaneOut, id: i32) {
    lane.push(Head::message(id, 8), [&[], &body(id, 8)]).expect("there is room");
}

/// Pushes message `id` with `length` bytes, and rings if asked to.
///
/// # Errors
/// As [`LaneOut::push`].
pub fn push(lane: &mut LaneOut, id: i32, length: usize) -> Result<(), Refusal> {
    if let Some(bell) = lane.push(Head::message(id, length), [&[], &body(id, length)])? {
        LaneOut::ring(lane.bells(), bell);
    }
    Ok(())
}

/// Sends message `id` as [`send`]; in a model that breaks the rule, clears the wish that it served.
pub fn send_and_leave(wire: &Wire, lane: &mut LaneOut, id: i32) {
    let asked = lane.push(Head::message(id, 8), [&[], &body(id, 8)]).expect("there is room");
    if let Some(bell) = asked {
        if !step("only-receiver-clears") {
            wire.clear_wish();
        }
        LaneOut::ring(lane.bells(), bell);
    }
}

/// Sends message `id` on a lane that has room.
///
/// # Panics
/// When it is refused.
pub fn send(lane: &mut LaneOut, id: i32) {
    push(lane, id, 8).expect("there is room");
}

/// Sends message `id`, sleeping while the lane has no room for it.
///
/// # Errors
/// As [`LaneOut::push`], but never [`Refusal::Full`].
pub fn send_waiting(lane: &mut LaneOut, id: i32, length: usize) -> Result<(), Refusal> {
    loop {
        match push(lane, id, length) {
            Err(Refusal::Full) => {}
            done => {
                lane.lower_full();
                return done;
            }
        }
        if let Some(wait) = lane.prepare_wait(Head::message(id, length).payload_bytes()) {
            let mut set = WaitSet::new();
            let [cursor, state] = wait.words();
            set.add(cursor.0, cursor.1).expect("two words fit");
            if step("full-waits-on-state") {
                set.add(state.0, state.1).expect("two words fit");
            }
            set.sleep(Deadline::NEVER);
        }
    }
}

/// Reads the message at the head of `lane`: its id, or `None` if it closes the lane.
///
/// # Panics
/// When the slot or the payload is not what an honest sender wrote.
pub fn read(lane: &LaneIn, head: &Head) -> Option<i32> {
    if head.kind == Kind::Close {
        return None;
    }
    let (mut rights, mut bytes) = (Vec::new(), Vec::new());
    lane.copy(head, &mut rights, &mut bytes).expect("torn: the payload lies in the region");
    assert_eq!(bytes, body(head.id, head.length), "torn: message {}", head.id);
    Some(head.id)
}

/// Polls `lane` until something is at its head, and takes it.
pub fn poll(lane: &mut LaneIn) -> Option<i32> {
    loop {
        if let Some(head) = lane.peek().expect("torn: an honest sender writes no nonsense") {
            let id = read(lane, &head);
            lane.advance(&head);
            return id;
        }
        yield_now();
    }
}

/// What the threads of a set take: what [`take`] finds at the next member that has something.
pub fn take_from(state: &mut State<Members<Member>>) -> Option<i32> {
    state.take_next(|_, port| take(port))
}

/// What the threads of a group take: a local message, an answer, or the next of a lane.
pub fn take(state: &mut State<Inbox>) -> Option<i32> {
    if let Some(id) = state.port.local.pop() {
        return Some(id);
    }
    let (at, head) = if state.order.is_in_force() {
        match state.next_due()? {
            // One answer at most is awaited where there is an order: its place does not change.
            Source::Own(at) => return Some(state.port.awaited.swap_remove(at as usize).take()),
            Source::Lane(at) => {
                (at, state.seat(at).lane.peek().expect("torn: no nonsense").expect("it was there"))
            }
        }
    } else if let Some(at) = state.port.answer() {
        return Some(state.port.awaited.swap_remove(at).take());
    } else if let Some((at, short)) = state.ready_short() {
        let mut bytes = Vec::new();
        state.seat(at).lane.copy_short(&short, &mut bytes);
        assert_eq!(bytes, body(short.id, short.length), "torn: message {}", short.id);
        state.advance_short(at);
        return Some(short.id);
    } else {
        let (at, head) = state.ready()?;
        (at, head.expect("torn: an honest sender writes no nonsense"))
    };
    let id = read(&state.seat(at).lane, &head);
    state.advance(at, &head);
    id
}

/// Announces a lane that the receiver does not know, sends its first message, and rings the
/// half's control bell, whatever the flags say.
pub fn send_first(wire: &Wire, lane: &mut LaneOut, id: i32) {
    wire.announce();
    send(lane, id);
    if step("news-ring") {
        LaneOut::ring(wire.bells(), 0);
    }
}
