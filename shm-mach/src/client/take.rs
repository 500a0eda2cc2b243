//! Taking messages from a port, wherever they lie, under the lock of its group.

use futex::sync::{Ordering, futex_wake};

use crate::client::message::Received;
use crate::client::port::{Port, PortState};
use crate::client::signals;
use crate::client::ways::LOCAL;
use crate::ring::lane_out::Death;
use crate::ring::order::Source;
use crate::ring::slot::{Head, Kind, Nonsense};
use crate::ring::state::{Seat, State};

/// What a look at the port found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A message.
    Message,
    /// A message, and [`Port::settle`] is to be called.
    MessageAndAftermath,
    /// No message, but [`Port::settle`] is to be called before anybody waits.
    Aftermath,
    /// A signal came, which ends the call.
    Interrupted,
    /// The receive right is gone.
    PortDied,
    /// The port is received from through its set, and not directly.
    InSet,
}

/// What lies at the head of a lane comes to.
enum Take {
    Message,
    LaneIsOver,
    /// It lies in a region that is to be heard of first.
    Waits,
}

/// What a look that found nothing comes to: an end, if a signal came that ends the call.
pub(super) fn or_interrupted(taken: Option<Taken>) -> Option<Taken> {
    taken.or_else(|| signals::has_come().then_some(Taken::Interrupted))
}

impl Port {
    /// Takes the next message, wherever it lies. Called under the group's lock.
    #[inline]
    pub(crate) fn take(&self, state: &mut State<PortState>, into: &mut Received) -> Option<Taken> {
        if state.port.is_shut {
            return Some(if state.port.is_dead { Taken::PortDied } else { Taken::InSet });
        }
        self.take_any(state, into)
    }

    /// The same, whoever may receive: for [`take`](Self::take), and for threads of a set.
    #[inline]
    pub(super) fn take_any(&self, state: &mut State<PortState>, into: &mut Received) -> Option<Taken> {
        let taken = if state.port.kept_back.is_some() {
            state.port.take_kept(into)
        } else if state.order.is_in_force() {
            self.take_due(state, into)
        } else {
            let local_first = state.port.lane_was_last && !state.port.local.is_empty();
            (local_first && state.port.take_local(into))
                || self.take_from_lane(state, into)
                || state.port.take_answer(into)
                || state.port.take_local(into)
        };
        if !taken {
            return state.port.has_aftermath().then_some(Taken::Aftermath);
        }
        into.port = self.name();
        into.seqno = state.port.seqno;
        if into.room.is_some() && state.port.keeps_back(into) {
            return Some(Taken::Message);
        }
        state.port.seqno = state.port.seqno.wrapping_add(1);
        if state.port.waiting_for_room > 0 {
            self.room.fetch_add(1, Ordering::Release);
            futex_wake(&self.room, u32::MAX);
            state.port.tell_of_room();
        }
        let is_last = state.port.has_aftermath() || state.port.unsettled;
        Some(if is_last { Taken::MessageAndAftermath } else { Taken::Message })
    }

    #[inline]
    fn take_from_lane(&self, state: &mut State<PortState>, into: &mut Received) -> bool {
        if let Some((at, short)) = state.ready_short() {
            let Seat { lane, holder, .. } = state.seat(at);
            lane.copy_short(&short, &mut into.body);
            let holder = *holder;
            if let Some(link) = &state.port.holders.get(holder).link {
                into.set_origin(short.id, (short.reply, 0), link);
            }
            state.port.lane_was_last = true;
            state.advance_short(at);
            return true;
        }
        while let Some((at, head)) = state.ready() {
            match self.take_at(state, at, head, into) {
                Take::Message => return true,
                Take::LaneIsOver => {}
                Take::Waits => return false,
            }
        }
        false
    }

    /// Takes what was sent first, of all that several senders have sent.
    fn take_due(&self, state: &mut State<PortState>, into: &mut Received) -> bool {
        while let Some(source) = state.next_due() {
            let taken = match source {
                Source::Own(LOCAL) => state.port.take_local(into),
                Source::Own(_) => match state.port.take_due_answer(state.order.horizon(), into) {
                    Some(taken) => taken,
                    None => {
                        state.order.add(0, source); // it is still the next one
                        return false;
                    }
                },
                Source::Lane(at) => {
                    let head = state.head(at);
                    match self.take_at(state, at, head, into) {
                        Take::Message => true,
                        Take::LaneIsOver => false,
                        Take::Waits => {
                            state.order.add(0, source); // it is still the next one
                            return false;
                        }
                    }
                }
            };
            if taken {
                match source {
                    Source::Own(LOCAL) => state.port.enter_local(&mut state.order),
                    Source::Own(_) => state.port.enter_answers(&mut state.order),
                    Source::Lane(_) => {}
                }
                return true;
            }
        }
        false
    }

    /// Takes what lies at the head of a lane.
    #[inline]
    fn take_at(
        &self,
        state: &mut State<PortState>,
        at: usize,
        head: Result<Head, Nonsense>,
        into: &mut Received,
    ) -> Take {
        let mut large = None;
        if let Ok(Head { region: Some(region), .. }) = head {
            let holder = state.seat(at).holder;
            large = state.port.holders.get(holder).link.clone();
            if large.as_ref().is_some_and(|link| state.port.misses(link, region)) {
                return Take::Waits;
            }
        }
        let copied = head.and_then(|head| match head.kind {
            Kind::Message => {
                let Received { raw, body, .. } = &mut *into;
                match large {
                    None => state.seat(at).lane.copy(&head, &mut raw.records, body),
                    Some(link) => link.read_large(&head, &mut raw.records, body),
                }
                .map(|()| Some(head))
            }
            Kind::Close => Ok(None),
        });
        match copied {
            Ok(Some(head)) => {
                let holder = state.seat(at).holder;
                if let Some(link) = &state.port.holders.get(holder).link {
                    into.set_origin(head.id, (head.reply, head.rights), link);
                }
                state.port.lane_was_last = true;
                state.advance(at, &head);
                Take::Message
            }
            Ok(None) => {
                self.end_lane(state, at, None);
                Take::LaneIsOver
            }
            Err(_) => {
                let holder = state.seat(at).holder;
                let link = state.port.holders.get(holder).link.clone();
                state.port.condemned.extend(link);
                self.end_lane(state, at, Some(Death::Died));
                Take::LaneIsOver
            }
        }
    }
}
