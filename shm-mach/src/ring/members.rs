//! A wait group over other groups: the threads that receive from a port set.
//!
//! Each port keeps its lanes and its lock. The set's lock guards who is a member and whom its threads
//! look at: the *hot* members, each in its turn. Those that have been dry are *cold*: their lanes
//! and answers are armed, and nobody looks at them before one of their bells was rung, or before they
//! [prepost](crate::ring::preposts) themselves. So a receive costs what the busy members cost.
//!
//! ```text
//! hot -> cold, for as many as possible at once     a sender
//! 1 sample the bells of its lanes and answers      a publish          (Release)
//! 2 arm those that are not armed                   b light fence
//! 3 if any was armed: heavy fence, and             c load the flags
//!   look at the port again                         d if a bell is named there: increment it (Release),
//! 4 from now on the port's changes prepost it          wake one
//! ```
//! All of it is done under the member's own lock, so whoever finds a lane armed may rely on its fence,
//! also a thread that receives from the port itself or from another set. A bell that is not what it
//! was at 1 makes every cold member hot that has a lane or an answer in that half.
//!
//! Locks are taken in this order: the set, its members (several only here, by rank), the list of
//! preposts.

use std::collections::VecDeque;
use std::sync::Arc;

use futex::Gate;
use futex::sync::{self, Guard};

use crate::ring::bells::Bells;
use crate::ring::group::Group;
use crate::ring::layout::Bell;
use crate::ring::order::Order;
use crate::ring::preposts::Preposts;
use crate::ring::samples::Samples;
use crate::ring::sleepers::Kick;
use crate::ring::state::{State, fence};
use crate::ring::world::Sources;
use crate::segment::Shared;

/// A port, as a set knows it.
pub trait Port {
    /// The port's part of its group's state.
    type Part: Sources;
    /// Its wait group.
    fn group(&self) -> &Group<Self::Part>;
    /// Its place in the order in which members are locked: no other port has it, now or later.
    fn rank(&self) -> u64;
}

/// The wait group of a set. Its own lanes are none.
pub type Set<M> = Group<Members<M>>;

/// What the lock of a set guards.
#[derive(Debug)]
pub struct Members<M> {
    list: Vec<Option<Member<M>>>,
    free: Vec<u32>,
    /// Whom the threads look at, in this order.
    hot: VecDeque<u32>,
    preposts: Arc<Preposts>,
    bells: Bells,
    /// Looks since the bells were last listened to.
    lap: usize,
    /// The leader sleeps: it relies on every member that is cold, also on those that others look at.
    asleep: bool,
    /// Since the leader sampled everything was heard that was told before.
    heard: bool,
    /// A member has messages that are taken in order, and no round.
    wants_round: bool,
    /// A look has just come to nothing because of that.
    is_tried: bool,
    /// The leader has found something, or a new bell to listen to, since it sampled.
    found: bool,
    /// Bells that were seen rung: the owner judges whether a peer rings too often.
    rung: Vec<Shared<Bell>>,
}

#[derive(Debug)]
struct Member<M> {
    port: Arc<M>,
    is_hot: bool,
    /// Looks in a row that found nothing.
    dry: u32,
    /// Where cold lanes and answers of it lie.
    bells: Vec<Shared<Bell>>,
}

/// As long as there are no more hot members than this, a dry one stays hot until somebody sleeps.
const HOT_MOST: usize = if sync::MODEL { 1 } else { 16 };
/// After this many dry looks a member is cold, if there are more: about what the fence costs.
const DRY_LOOKS: u32 = if sync::MODEL { 1 } else { 64 };
/// Members that are locked at one time, for one heavy fence.
const AT_ONCE: usize = 64;
/// Bells that are listened to at each lap through the hot members.
const BELLS_A_LAP: usize = 16;
/// Bells that are seen rung and not judged yet.
const RUNG_MOST: usize = 64;

impl<M: Port> Set<M> {
    /// A set without members, whose threads listen to bell `bell`.
    pub fn set(bell: u8) -> Self {
        let kick = Arc::new(Kick::default());
        let members = Members {
            list: Vec::new(),
            free: Vec::new(),
            hot: VecDeque::new(),
            preposts: Arc::new(Preposts::new(kick.clone())),
            bells: Bells::default(),
            lap: 0,
            asleep: false,
            heard: false,
            wants_round: false,
            is_tried: false,
            found: false,
            rung: Vec::new(),
        };
        let set = Self::with_kick(bell, members, kick);
        // Some of the members may take messages in rounds: they all begin at one horizon.
        set.lock().order.set(true);
        set
    }

    /// Makes `port` a member, if `may_join`, called under both locks, says so; returns what that
    /// says. What is queued there is received by whoever waits already.
    ///
    /// Threads that wait at the port itself look again: its bell may be another one.
    pub fn admit<E>(
        &self,
        port: Arc<M>,
        may_join: impl FnOnce(&mut State<M::Part>, bool) -> Result<(), E>,
    ) -> Result<(), E> {
        self.change(|set| {
            let members = &mut set.port;
            let number = members.free.last().copied().unwrap_or(members.list.len() as u32);
            let is_idle = port.group().change(|state| {
                may_join(state, state.number_in(&members.preposts).is_some())?;
                state.join(members.preposts.clone(), number, self.bell());
                let mut samples = Samples::default();
                let is_idle =
                    state.sample(&mut samples) && samples.words.is_empty() && !state.any_ready(true);
                if is_idle {
                    state.is_left_by(&members.preposts); // there is nothing to be armed
                }
                Ok(is_idle)
            })?;
            if members.free.pop().is_none() {
                members.list.push(None);
            }
            let member = Member { port, is_hot: false, dry: 0, bells: Vec::new() };
            members.list[number as usize] = Some(member);
            if !is_idle {
                members.heat_last(number, DRY_LOOKS - 1);
            }
            Ok(())
        })
    }

    /// Makes a port a member no more; false if it was none. `left` is called under both locks.
    pub fn dismiss(&self, port: &M, left: impl FnOnce(&mut State<M::Part>)) -> bool {
        self.change(|set| {
            let members = &mut set.port;
            let group = port.group();
            let number = group.change(|state| {
                let number = state.leave(&members.preposts, group.bell())?;
                left(state);
                Some(number)
            });
            number.map(|number| members.forget(number)).is_some()
        })
    }

    /// Makes every member a member no more; `left` is called for each under both locks.
    pub fn dismiss_all(&self, mut left: impl FnMut(&Arc<M>, &mut State<M::Part>)) {
        self.change(|set| {
            let members = &mut set.port;
            for at in 0..members.list.len() {
                let Some(member) = &members.list[at] else { continue };
                let group = member.port.group();
                group.change(|state| {
                    state.leave(&members.preposts, group.bell());
                    left(&member.port, state);
                });
                members.forget(at as u32);
            }
        });
    }
}

impl<M: Port> State<Members<M>> {
    /// Takes what `take` finds at a member, each in its turn: who had something goes to the end of the
    /// line. `take` is called under the set's lock and the member's.
    #[inline]
    pub fn take_next<R>(&mut self, take: impl FnMut(&Arc<M>, &mut State<M::Part>) -> Option<R>) -> Option<R> {
        let result = self.port.take(take);
        if result.is_none() && self.port.wants_round {
            self.order.want();
        }
        result
    }
}

impl<M: Port> Members<M> {
    /// The members.
    pub fn ports(&self) -> impl Iterator<Item = &Arc<M>> {
        self.list.iter().flatten().map(|member| &member.port)
    }

    /// Whether bells were seen rung that were not [taken](Self::take_rung) yet.
    pub fn has_rung(&self) -> bool {
        !self.rung.is_empty()
    }

    /// The bells that were seen rung: the owner's to judge, when the lock is released.
    pub fn take_rung(&mut self) -> Vec<Shared<Bell>> {
        std::mem::take(&mut self.rung)
    }

    #[inline]
    fn take<R>(&mut self, mut take: impl FnMut(&Arc<M>, &mut State<M::Part>) -> Option<R>) -> Option<R> {
        for number in self.preposts.take() {
            self.heat_last(number, 0);
        }
        self.wants_round = false;
        let is_tried = std::mem::take(&mut self.is_tried);
        let mut left = self.hot.len();
        loop {
            if left == 0 {
                // All those are dry; the cold too, unless their bells say otherwise.
                let before = self.hot.len();
                self.listen(usize::MAX);
                left = self.hot.len() - before;
                if left == 0 {
                    self.cool_stale();
                    return None;
                }
            }
            left -= 1;
            let Some(result) = self.look_at_next(&mut take) else {
                if self.wants_round && !is_tried {
                    // Its turn comes again after a round was begun, or could not be: then others go on.
                    self.is_tried = true;
                    self.hot.rotate_right(1);
                    return None;
                }
                if left > 0 {
                    left += self.end_lap();
                }
                continue;
            };
            self.end_lap();
            if self.lap == 0 {
                self.cool_stale();
            }
            return Some(result);
        }
    }

    /// After as many looks as there are hot members some of the bells are listened to: so who has rung waits
    /// while each other is served once, however many looks come to nothing. Says how many are hot now that
    /// were not.
    #[inline]
    fn end_lap(&mut self) -> usize {
        if self.lap < self.hot.len() {
            return 0;
        }
        self.lap = 0;
        let before = self.hot.len();
        self.listen(BELLS_A_LAP);
        self.hot.len() - before
    }

    #[inline]
    fn look_at_next<R>(
        &mut self,
        take: &mut impl FnMut(&Arc<M>, &mut State<M::Part>) -> Option<R>,
    ) -> Option<R> {
        let number = self.hot.pop_front()?;
        self.hot.push_back(number);
        self.lap += 1;
        let member = self.list[number as usize].as_mut()?;
        let mut state = member.port.group().lock();
        // While the leader sleeps it relies on every member, whoever else looks.
        if !self.asleep || !sync::step("cold-for-the-leader") {
            state.is_watched_by(&self.preposts);
        }
        let result = take(&member.port, &mut state);
        let wants_round = result.is_none() && state.order.is_wanted();
        self.wants_round |= wants_round;
        member.dry = if result.is_some() || wants_round { 0 } else { member.dry.saturating_add(1) };
        result
    }

    /// The next looks include this member, which was dry in `dry` looks before. Says whether they did
    /// not so far.
    fn heat(&mut self, number: u32, dry: u32) -> bool {
        // An entry may be older than the member that has the number now: it is looked at in vain.
        let Some(Some(member)) = self.list.get_mut(number as usize) else { return false };
        if std::mem::replace(&mut member.is_hot, true) {
            return false;
        }
        member.dry = dry;
        true
    }

    /// The same, and it stands at the end of the line.
    fn heat_last(&mut self, number: u32, dry: u32) {
        if self.heat(number, dry) {
            self.hot.push_back(number);
        }
    }

    /// Listens to some of the bells. Who relies on one that was rung is looked at, and is hot if it has
    /// something.
    fn listen(&mut self, most: usize) {
        for _ in 0..most.min(self.bells.count()) {
            if let Some(at) = self.bells.listen() {
                self.hear(at);
            }
        }
    }

    #[cold]
    fn hear(&mut self, at: usize) {
        if !self.asleep && self.rung.len() < RUNG_MOST {
            self.rung.push(self.bells.bell(at)); // what ends the leader's sleep is told by the leader
        }
        let numbers = std::mem::take(self.bells.members(at));
        for number in numbers.iter().rev() {
            let member = self.list[*number as usize].as_ref().filter(|member| !member.is_hot);
            let is_ready = member.is_some_and(|member| member.port.group().lock().any_ready(true));
            if is_ready && sync::step("bell-heats-members") && self.heat(*number, 0) {
                self.hot.push_front(*number); // it has waited for a lap already
            }
        }
        *self.bells.members(at) = numbers;
    }

    /// Hot members that have been dry for long are cold, if there are many hot ones.
    #[inline]
    fn cool_stale(&mut self) {
        // A thread that does not lead must not make the leader rely on anything new.
        if self.hot.len() > HOT_MOST && !self.asleep {
            let list = &self.list;
            let is_stale = |number: &&u32| {
                list[**number as usize].as_ref().is_some_and(|member| member.dry >= DRY_LOOKS)
            };
            let stale: Vec<u32> = self.hot.iter().filter(is_stale).copied().collect();
            if !stale.is_empty() {
                self.cool(stale);
            }
        }
    }

    /// Makes these members cold, but for those that have something. False if the heavy fence was refused.
    #[cold]
    fn cool(&mut self, mut numbers: Vec<u32>) -> bool {
        numbers.sort_by_key(|number| self.list[*number as usize].as_ref().map(|member| member.port.rank()));
        let mut fenced = true;
        for numbers in numbers.chunks(AT_ONCE) {
            fenced &= self.cool_some(numbers);
        }
        let list = &self.list;
        self.hot.retain(|number| list[*number as usize].as_ref().is_some_and(|member| member.is_hot));
        fenced
    }

    fn cool_some(&mut self, numbers: &[u32]) -> bool {
        let Self { list, bells: listened, .. } = self;
        let (mut bells, mut are_known) = (Vec::with_capacity(numbers.len()), Vec::new());
        let mut gates = Vec::new();
        let members = numbers.iter().filter_map(|number| Some((*number, list[*number as usize].as_ref()?)));
        let mut locked: Vec<(u32, Guard<'_, State<M::Part>>)> =
            members.map(|(number, member)| (number, member.port.group().lock())).collect();
        let mut fenced = true;
        for (number, state) in &mut locked {
            let mut samples = Samples::default();
            are_known.push(state.sample(&mut samples) || !sync::step("unknown-stay-hot"));
            let own = list[*number as usize].as_ref().map_or(&[][..], |member| &member.bells);
            self.found |= listened.rely(*number, own, &samples);
            bells.push(samples.words.into_iter().map(|(bell, _)| bell).collect::<Vec<_>>());
            fenced &= state.arm(&mut gates);
        }
        let passed = fence(&gates);
        let mut cold = Vec::with_capacity(locked.len());
        for ((number, state), mut is_known) in locked.iter_mut().zip(are_known) {
            state.fence_refused |= !passed;
            fenced &= !state.fence_refused;
            let is_ready = sync::step("cool-rescan") && state.any_ready(self.heard);
            is_known &= self.heard || !state.order.needs_horizon();
            self.found |= is_ready;
            // What was armed in vain once is looked at for ever.
            if !state.fence_refused && !is_ready {
                state.is_left_by(&self.preposts);
                // What lies in a half that is not known yet, and what cannot be taken before the rest is
                // heard, is looked at when the world has rung.
                cold.extend(is_known.then_some(*number));
            }
        }
        drop(locked);
        for (number, bells) in numbers.iter().zip(bells) {
            if let Some(member) = &mut list[*number as usize] {
                member.bells = bells;
                member.is_hot &= !cold.contains(number);
            }
        }
        fenced
    }

    fn forget(&mut self, number: u32) {
        if let Some(member) = self.list[number as usize].take() {
            self.bells.rely(number, &member.bells, &Samples::default());
            self.hot.retain(|other| *other != number);
            self.free.push(number);
        }
    }
}

impl<M: Port> Sources for Members<M> {
    fn sample(&mut self, _bell: u8, samples: &mut Samples) -> bool {
        (self.found, self.heard) = (false, false);
        self.listen(usize::MAX);
        samples.words.extend(self.bells.seen());
        true
    }

    fn arm(&mut self, _bell: u8, _gates: &mut Vec<Gate>) -> bool {
        self.cool(self.hot.iter().copied().collect())
    }

    fn any_ready(&mut self, _may_take: bool) -> bool {
        if self.found || !self.preposts.close() {
            return true;
        }
        self.asleep = true;
        false
    }

    fn due(&mut self, order: &mut Order) {
        self.heard = true;
        let list = &self.list;
        for member in self.hot.iter().filter_map(|number| list[*number as usize].as_ref()) {
            let mut state = member.port.group().lock();
            if state.order.needs_horizon() {
                state.begin_round(order.horizon());
            }
        }
    }

    fn awake(&mut self) {
        self.listen(usize::MAX);
        self.asleep = false;
        self.preposts.open();
    }
}
