//! Wait groups: the threads of one task that wait for the same lanes.
//!
//! One thread, the *leader*, sleeps on words that peers wake; the others, the *followers*, sleep on
//! a word of their own. Whoever leaves the wait, for whatever reason, and finds no leader kicks one
//! follower. A peer wakes one thread of a bell, never all. The steps, in the order that makes them
//! safe:
//!
//! ```text
//! leader                                        sender
//! 1 sample the bells and the kick word          a publish the slot        (Release)
//! 2 look at the world's news, then at every lane  b light fence
//! 3 arm each lane that is not yet armed         c load the lane's flags
//! 4 if any was armed: heavy fence, look again   d if a bell is named there:
//! 5 sleep while the sampled values stand            increment it (Release), wake one
//! ```
//! A message published before 4's fence is seen by 4's look; one published after it finds the bell
//! named, and its increment comes after the sample, so the sleep does not begin or ends.

use std::sync::Arc;

use futex::sync::{self, AtomicU32, Lock};
use futex::{Deadline, Outcome, WaitSet};

use crate::ring::layout::Cursor;
use crate::ring::patience::Wait;
use crate::ring::samples::Samples;
use crate::ring::sleepers::Kick;
use crate::ring::state::{Follower, Seat, State, fence};
use crate::ring::world::{Sources, World};
use crate::segment::Shared;

/// Takes between two looks at the world's news.
const LOOK_EVERY: u32 = 64;
/// Looks between two releases of the lock, and two looks at the world's news, while spinning.
const BURST: u32 = 64;
/// How long a sleep may last when the heavy fence was refused.
const UNRELIABLE_SLEEP: std::time::Duration = std::time::Duration::from_millis(1);

/// A wait group: a lock, the lanes, and the threads that wait for them.
#[derive(Debug)]
pub struct Group<P> {
    state: Lock<State<P>>,
    kick: Arc<Kick>,
    /// Which bell of each sender's half this group listens to when it is in no set.
    bell: u8,
    /// Threads that want the lock for something short, while one spins under it.
    contenders: AtomicU32,
}

impl<P: Sources> Group<P> {
    /// A group that listens to bell `bell`, with no lanes.
    pub fn new(bell: u8, port: P) -> Self {
        Self::with_kick(bell, port, Arc::new(Kick::default()))
    }

    /// A group whose threads others, that know `kick`, can wake.
    pub(super) fn with_kick(bell: u8, port: P, kick: Arc<Kick>) -> Self {
        Self { state: Lock::new(State::new(bell, port)), kick, bell, contenders: AtomicU32::new(0) }
    }

    /// The group's state, for something short.
    pub fn lock(&self) -> sync::Guard<'_, State<P>> {
        // Mostly nobody holds it: then there is nobody to tell that this thread wants it.
        if !sync::MODEL
            && let Some(state) = self.state.try_lock()
        {
            return state;
        }
        self.contenders.fetch_add(1, sync::Ordering::Relaxed);
        let state = self.state.lock();
        self.contenders.fetch_sub(1, sync::Ordering::Relaxed);
        state
    }

    /// Makes it like new, for the one who has it alone.
    pub fn renew(&mut self, port: P) {
        *self.state.get_mut() = State::new(self.bell, port);
    }

    /// Adds a lane; a sleeping leader takes it into account.
    pub fn insert(&self, seat: Seat) {
        self.change(|state| state.insert(seat));
    }

    /// Changes the state in a way that a waiting thread must see: membership, a local message, the
    /// port's death.
    pub fn change<R>(&self, act: impl FnOnce(&mut State<P>) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state);
        // Under the lock: a leader that samples after this sees the change.
        if state.has_leader {
            self.kick.advance();
        }
        // One that sampled before and is not asleep yet finds the count changed when it tries to be.
        let asleep = state.asleep;
        let sets = state.prepost();
        drop(state);
        if asleep && sync::step("kick-wake") {
            sync::futex_wake(&self.kick.0, 1);
        }
        sets.iter().for_each(|set| set.wake());
        result
    }

    /// Changes the state in a way that a *sleeping* thread must take into account, and nobody else:
    /// one more source to wait for.
    pub fn extend<R>(&self, act: impl FnOnce(&mut State<P>) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state);
        let must_kick = state.has_leader;
        if must_kick {
            self.kick.advance();
        }
        let sets = state.prepost();
        drop(state);
        if must_kick {
            sync::futex_wake(&self.kick.0, 1);
        }
        sets.iter().for_each(|set| set.wake());
        result
    }

    /// The bell of each half that this group listens to when its port is in no set.
    pub(super) fn bell(&self) -> u8 {
        self.bell
    }

    /// Takes what `take` finds, without waiting.
    #[inline]
    pub fn try_take<R>(
        &self,
        world: &impl World,
        mut take: impl FnMut(&mut State<P>) -> Option<R>,
    ) -> Option<R> {
        if let Some(result) = self.take_now(world, &mut take) {
            return Some(result);
        }
        world.look();
        self.take_now(world, &mut take)
    }

    #[inline]
    pub fn take_now<R>(
        &self,
        world: &impl World,
        take: &mut impl FnMut(&mut State<P>) -> Option<R>,
    ) -> Option<R> {
        let mut state = self.state.try_lock().unwrap_or_else(|| self.lock());
        let mut found = take(&mut state);
        if found.is_none() && state.order.is_wanted() {
            (state, found) = self.take_round(world, state, take);
        }
        let result = found?;
        state.sleepy = false;
        state.takes += 1;
        let must_look = state.takes >= LOOK_EVERY;
        if must_look {
            state.takes = 0;
        }
        self.leave(state, false);
        if must_look {
            world.look();
        }
        Some(result)
    }

    /// There are messages, and more than one sender: begins a round, and takes its first.
    fn take_round<'g, R>(
        &'g self,
        world: &impl World,
        state: sync::Guard<'g, State<P>>,
        take: &mut impl FnMut(&mut State<P>) -> Option<R>,
    ) -> (sync::Guard<'g, State<P>>, Option<R>) {
        // Before the news are heard, and those before the lanes are looked at.
        let horizon = sync::stamp();
        drop(state);
        let heard = !sync::step("round-hears") || world.hear();
        let mut state = self.lock();
        if heard {
            let horizon = if sync::step("horizon-first") { horizon } else { u64::MAX };
            state.begin_round(horizon);
        }
        let found = take(&mut state);
        (state, found)
    }

    /// Waits until `take` finds something, or the deadline passes (`None`). `take` is called under
    /// the group's lock, any number of times.
    ///
    /// # Errors
    /// None at present: with more links than one sleep can watch, sleeps are short.
    #[inline]
    pub fn wait<R>(
        &self,
        world: &impl World,
        policy: Wait,
        deadline: Deadline,
        mut take: impl FnMut(&mut State<P>) -> Option<R>,
    ) -> Option<R> {
        loop {
            if let Some(result) = self.spin(world, policy, &mut take) {
                return Some(result);
            }
            if deadline.has_passed() {
                return self.try_take(world, take);
            }
            if policy != Wait::Spin {
                return self.park(world, deadline, take);
            }
            world.look();
        }
    }

    /// Looks again and again, mostly under the lock, so that what is found is taken at once.
    fn spin<R>(
        &self,
        world: &impl World,
        policy: Wait,
        take: &mut impl FnMut(&mut State<P>) -> Option<R>,
    ) -> Option<R> {
        if policy == Wait::Park {
            return None;
        }
        let mut state = self.state.lock();
        if state.has_leader {
            return None; // others sleep here already: do not burn a core beside them
        }
        let mut patience = std::mem::take(&mut state.patience);
        let mut guard = Some(state);
        let mut found = None;
        let mut looks = 0u32;
        patience.spin(policy, || {
            looks += 1;
            if looks.is_multiple_of(BURST) || self.is_contended() || sync::MODEL {
                guard = None;
                self.give_way();
                if looks.is_multiple_of(BURST) {
                    world.look();
                }
            }
            let mut state = guard.take().unwrap_or_else(|| self.state.lock());
            found = take(&mut state);
            if found.is_none() && state.order.is_wanted() {
                (state, found) = self.take_round(world, state, take);
            }
            guard = Some(state);
            found.is_some()
        });
        let mut state = guard.unwrap_or_else(|| self.state.lock());
        state.patience = patience;
        if found.is_some() {
            self.leave(state, false);
        }
        found
    }

    fn is_contended(&self) -> bool {
        self.contenders.load(sync::Ordering::Relaxed) != 0
    }

    /// Lets threads that want the lock have it before this one takes it again.
    fn give_way(&self) {
        for _ in 0..if sync::MODEL { 1 } else { 1000 } {
            sync::yield_now();
            if !self.is_contended() {
                return;
            }
        }
    }

    /// Sleeps until there is something to take: steps 1 to 5, again and again.
    #[cold]
    fn park<R>(
        &self,
        world: &impl World,
        deadline: Deadline,
        mut take: impl FnMut(&mut State<P>) -> Option<R>,
    ) -> Option<R> {
        let mut leads = false;
        let mut timed_out = false;
        loop {
            let mut state = self.lock();
            if timed_out && !leads && !sync::step("follower-leads-first") {
                return None; // a kick that came with the deadline ends here
            }
            if state.has_leader && !leads {
                if let Some(result) = take(&mut state) {
                    self.leave(state, false);
                    return Some(result);
                }
                if timed_out {
                    self.leave(state, false);
                    return None;
                }
                timed_out = self.follow(state, deadline);
                continue;
            }
            // 1: before any look. Who leads from here on is known: nobody else samples for us.
            state.has_leader = true;
            leads = true;
            let mut sampled = self.sample(world, &mut state);
            let horizon = state.order.needs_horizon().then(sync::stamp);
            drop(state);
            // 2: the world's news first: they may bring lanes into this group.
            let mut gates = Vec::new();
            world.arm(&mut gates);
            // At once: another thread that finds the links armed relies on it, also if this one finds a
            // message and leaves.
            let fenced = fence(&gates);
            let heard = world.hear();
            let mut state = self.lock();
            state.fence_refused |= !fenced;
            if let (true, Some(horizon)) = (heard, horizon) {
                state.begin_round(horizon);
            }
            if let Some(result) = self.take_after_sleep(&mut state, &mut take) {
                self.leave(state, true);
                return Some(result);
            }
            if timed_out || deadline.has_passed() {
                self.leave(state, true);
                return None;
            }
            self.sample_late("sample-before-look", &mut sampled, world, &mut state);
            // 3 and 4
            let reliable = self.arm(&mut state);
            if sync::step("park-rescan") && state.any_ready(heard) {
                continue; // something came meanwhile
            }
            self.sample_late("sample-before-rescan", &mut sampled, world, &mut state);
            state.asleep = true;
            state.sleepy = true;
            state.awake_takes = 0;
            world.sleepers().enter(&self.kick, &sampled.0);
            drop(state);
            // 5
            let (outcome, in_full) = self.sleep(world, &sampled, deadline, reliable);
            world.sleepers().leave(&self.kick, &sampled.0, outcome != Outcome::TimedOut);
            let mut state = self.lock();
            state.asleep = false;
            state.port.awake();
            timed_out = outcome == Outcome::TimedOut && in_full;
            // Most likely it was woken for a message: that needs no new samples. News that it was
            // woken for too are looked at before anybody sleeps again; who sleeps now was kicked.
            if let Some(result) = self.take_after_sleep(&mut state, &mut take) {
                self.leave(state, true);
                return Some(result);
            }
        }
    }

    fn take_after_sleep<R>(
        &self,
        state: &mut State<P>,
        take: &mut impl FnMut(&mut State<P>) -> Option<R>,
    ) -> Option<R> {
        state.after_sleep = true;
        let result = take(state);
        state.after_sleep = false;
        result
    }

    /// Step 1. The kick word is sampled under the lock, like all that it stands for.
    fn sample(&self, world: &impl World, state: &mut State<P>) -> (Samples, u32) {
        let kick = self.kick.0.load(sync::Ordering::Relaxed);
        let mut samples = Samples::default();
        world.sample(&mut samples);
        state.sample(&mut samples);
        (samples, kick)
    }

    /// Natively nothing. In a model that breaks the rule called `rule`, samples again, too late.
    #[inline(always)]
    fn sample_late(
        &self,
        rule: &'static str,
        sampled: &mut (Samples, u32),
        world: &impl World,
        state: &mut State<P>,
    ) {
        if !sync::step(rule) {
            *sampled = self.sample(world, state);
        }
    }

    /// Step 3 and the fence of step 4; says whether a wake-up is certain from here on.
    fn arm(&self, state: &mut State<P>) -> bool {
        let mut gates = Vec::new();
        let reliable = state.arm(&mut gates);
        state.fence_refused |= !fence(&gates);
        reliable && !state.fence_refused
    }

    /// Step 5. Says whether the sleep was to last until the deadline: it is short when a wake-up is not
    /// certain, or when there are more words than one sleep can watch. (Peers choose how many links a
    /// task has: they must not be able to fail its calls.)
    fn sleep(
        &self,
        world: &impl World,
        (samples, kick): &(Samples, u32),
        deadline: Deadline,
        reliable: bool,
    ) -> (Outcome, bool) {
        let kick =
            if sync::step("kick-sample-locked") { *kick } else { self.kick.0.load(sync::Ordering::Relaxed) };
        let mut set = WaitSet::new();
        let mut in_full = set.add(&self.kick.0, kick).is_ok() && reliable;
        for (bell, sampled) in &samples.words {
            in_full &= set.add(&bell.count, *sampled).is_ok();
        }
        for (cursor, sampled) in &samples.cursors {
            in_full &= set.add(&cursor.position, *sampled).is_ok();
        }
        let deadline = if in_full { deadline } else { deadline.min(Deadline::after(UNRELIABLE_SLEEP)) };
        let outcome = set.sleep(deadline);
        for (bell, sampled) in &samples.words {
            if bell.count.load(sync::Ordering::Relaxed) != *sampled {
                world.rang(bell);
            }
        }
        let has_moved = |(cursor, sampled): &(Shared<Cursor>, u32)| {
            cursor.position.load(sync::Ordering::Relaxed) != *sampled
        };
        if samples.cursors.iter().any(has_moved) {
            world.read_on();
        }
        (outcome, in_full)
    }

    /// Waits for the leader to leave; says whether the deadline passed.
    fn follow(&self, mut state: sync::Guard<'_, State<P>>, deadline: Deadline) -> bool {
        let follower = Arc::new(Follower::default());
        state.followers.push(follower.clone());
        drop(state);
        let outcome = sync::futex_wait(&follower.word, 0, deadline);
        let mut state = self.lock();
        state.followers.retain(|other| !Arc::ptr_eq(other, &follower));
        outcome == Outcome::TimedOut
    }

    /// Leaves the wait: if nobody leads now and somebody follows, one follower is kicked, also by
    /// one that never led: it may be a kicked follower itself.
    #[inline]
    fn leave(&self, state: sync::Guard<'_, State<P>>, leads: bool) {
        if leads || !state.followers.is_empty() {
            self.hand_over(state, leads);
        }
    }

    #[inline(never)]
    fn hand_over(&self, mut state: sync::Guard<'_, State<P>>, leads: bool) {
        if leads {
            state.has_leader = false;
        }
        if state.has_leader || state.followers.is_empty() || !sync::step("hand-over") {
            return;
        }
        let follower = state.followers[0].clone();
        if sync::step("hand-over-count") {
            // Relaxed: the lock orders it, and the kernel compares the word itself.
            follower.word.fetch_add(1, sync::Ordering::Relaxed);
        }
        drop(state);
        sync::futex_wake(&follower.word, 1);
    }
}
