//! Who wants to hear of what happens to a name.
//!
//! A name has room for one request. It is spent when it fires, and it ends with its name.

use super::effect::{Effect, Effects, Notice};
use super::entry::{Request, RequestKind, State};
use super::error::PortError;
use super::name::{PortName, RawName};
use super::port::{PortId, ReceiverId};
use super::space::Space;

impl Request {
    pub(super) fn fire(self, notice: Notice, name: PortName) -> Effect {
        Effect::Notify { handle: self.handle, notice, name }
    }
}

impl Space {
    /// Puts a request on a name, or with `None` takes it off, and gives back the handle of the one
    /// that was there (DN1, DN2, DN5, DN6, SP1, SP5).
    ///
    /// A send-possible request on a dead name fires at once, and the name gets one more reference.
    /// Whether it must fire at once because there is room (SP2) is the caller's to look at before.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::NothingToAwait`]: NULL or DEAD.
    /// 3. [`PortError::UnknownName`].
    /// 4. [`PortError::NoSuchRight`]: a port set.
    /// 5. [`PortError::NothingToAwait`]: a dead-name request on a dead name.
    pub fn set_request(
        &mut self,
        name: RawName,
        request: Option<Request>,
        effects: &mut Effects,
    ) -> Result<Option<u64>, PortError> {
        self.alive()?;
        if !name.is_valid() {
            return Err(PortError::NothingToAwait);
        }
        let index = self.find(name)?;
        let entry = self.slots.entry_mut(index);
        let mut previous = None;
        match (&mut entry.state, request) {
            (State::PortSet { .. }, _) => return Err(PortError::NoSuchRight),
            (State::Dead { .. }, None) => {}
            (State::Dead { .. }, Some(Request { kind: RequestKind::DeadName, .. })) => {
                return Err(PortError::NothingToAwait);
            }
            (State::Dead { urefs, .. }, Some(request)) => {
                *urefs = urefs.one_more();
                effects.push(request.fire(Notice::DeadName, self.slots.name(index)));
            }
            (State::Port { .. } | State::SendOnce { .. }, request) => {
                previous = std::mem::replace(&mut entry.request, request);
            }
        }
        self.publish(index);
        Ok(previous.map(|previous| previous.handle))
    }

    /// A send met a full queue (SP3): a delayed send-possible request on the name is armed. Says
    /// whether there was one, armed already or now.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::UnknownName`].
    pub fn arm_request(&mut self, name: RawName) -> Result<bool, PortError> {
        let index = self.find(name)?;
        let Some(request) = &mut self.slots.entry_mut(index).request else {
            return Ok(false);
        };
        match request.kind {
            RequestKind::DeadName => return Ok(false),
            RequestKind::SendPossible | RequestKind::SendPossibleDelayed => {}
        }
        request.kind = RequestKind::SendPossible;
        self.publish(index);
        Ok(true)
    }

    /// A message was taken from the port's queue (SP4): the armed send-possible requests on the
    /// names of the port fire. The names keep their references.
    pub fn send_possible(&mut self, port: PortId, receiver: ReceiverId, effects: &mut Effects) {
        let held = self.holdings.get((port, receiver));
        if held.name != 0 {
            self.fire_possible(held.name, effects);
        }
        let mut index = held.once;
        while index != 0 {
            self.fire_possible(index, effects);
            index = self.slots.entry(index).once.next;
        }
    }

    fn fire_possible(&mut self, index: u32, effects: &mut Effects) {
        let request = &mut self.slots.entry_mut(index).request;
        let armed = request.take_if(|request| request.kind == RequestKind::SendPossible);
        if let Some(request) = armed {
            let name = self.slots.name(index);
            self.publish(index);
            effects.push(request.fire(Notice::SendPossible, name));
        }
    }
}
