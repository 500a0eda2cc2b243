//! A task's own ports, by their number.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::client::context::Context;
use crate::client::identity::Identity;
use crate::client::port::{Owner, Port};
use crate::ipc::{Place, PortError, PortName};
use crate::ring::layout::BELLS;
use crate::wire::request::MOVED;

/// Ports of one task.
const PORTS_MAX: usize = 1 << 24;
/// Dead ports whose memory is kept for the next ones.
const SPARE_MAX: usize = 64;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct OwnPorts {
    slots: Vec<Slot>,
    free: Vec<u32>,
    made: u64,
    /// Those that others know by their key alone: the number of each.
    moved: HashMap<u64, u32>,
}

#[derive(Debug, Default)]
struct Slot {
    /// `None` where the memory of a dead port was not kept.
    port: Option<Arc<Port>>,
    /// Which of the lives of the number; never 0.
    life: u32,
    is_live: bool,
    /// The task that is about to send its receive right here.
    comes_from: Option<u64>,
    /// The receive right is a value of the program's, not only a name.
    has_handle: bool,
    /// The authority keeps a name for the port.
    is_registered: bool,
    context: Context,
}

impl OwnPorts {
    /// Makes a port of the task `owner`, which has no name yet. `limit` is its queue limit; its key is the
    /// next number under `keys`, which nobody can guess, also who has seen others of them.
    ///
    /// # Errors
    /// [`PortError::NoSpace`].
    pub(crate) fn claim(
        &mut self,
        keys: &RandomState,
        limit: u32,
        owner: (Owner, Identity),
    ) -> Result<Arc<Port>, PortError> {
        let key = keys.hash_one(self.made + 1);
        self.make(None, key, limit, owner)
    }

    /// Makes a port whose receive right the task `from` is about to send, and which everybody knows by
    /// `key`.
    ///
    /// # Errors
    /// [`PortError::RightExists`]: one of that key is here. [`PortError::NoSpace`].
    pub(crate) fn host(
        &mut self,
        from: u64,
        key: u64,
        limit: u32,
        owner: (Owner, Identity),
    ) -> Result<Arc<Port>, PortError> {
        if self.moved.contains_key(&key) {
            return Err(PortError::RightExists);
        }
        let port = self.make(Some(from), key, limit, owner)?;
        self.moved.insert(key, port.index);
        let slot = &mut self.slots[port.index as usize];
        (slot.is_live, slot.has_handle, slot.is_registered) = (true, true, false);
        Ok(port)
    }

    fn make(
        &mut self,
        comes_from: Option<u64>,
        key: u64,
        limit: u32,
        owner: (Owner, Identity),
    ) -> Result<Arc<Port>, PortError> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.slots.len() < PORTS_MAX => {
                self.slots.push(Slot::default());
                self.slots.len() as u32 - 1
            }
            None => return Err(PortError::NoSpace),
        };
        self.made += 1;
        let (serial, number) = (self.made, if comes_from.is_some() { MOVED } else { index });
        let slot = &mut self.slots[index as usize];
        slot.life = slot.life.wrapping_add(1).max(1);
        slot.comes_from = comes_from;
        // Bell 0 is for news; ports beyond the other 63 share bells, which costs kicks, not wakes.
        let bell = 1 + (index as usize % (BELLS - 1)) as u8;
        match slot.port.as_mut().and_then(Arc::get_mut) {
            Some(port) => port.renew(serial, (number, key), limit),
            // There is none, or somebody still has a right to the dead one.
            None => slot.port = Some(Arc::new(Port::new(serial, (index, number, key), bell, limit, owner))),
        }
        Ok(slot.port.clone().expect("set just now"))
    }

    /// It has a name from here on, and a handle.
    pub(crate) fn name(&mut self, index: u32, name: PortName) {
        let slot = &mut self.slots[index as usize];
        (slot.is_live, slot.has_handle, slot.is_registered) = (true, true, false);
        slot.context = Context::default();
        slot.port.as_ref().expect("claimed just now").set_name(name.into());
    }

    /// The receive right has gone to another name, without a handle; its context is reset.
    pub(crate) fn rename(&mut self, index: u32, name: PortName) {
        let slot = &mut self.slots[index as usize];
        (slot.has_handle, slot.context) = (false, Context::default());
        slot.port.as_ref().expect("its receive right lives").set_name(name.into());
    }

    /// What the receiver has said of the port.
    pub(crate) fn context(&self, index: u32) -> Context {
        self.slots[index as usize].context
    }

    /// Sets it.
    pub(crate) fn set_context(&mut self, index: u32, context: Context) {
        self.slots[index as usize].context = context;
    }

    /// The receive right is gone. Says whether the authority keeps a name for the port.
    pub(crate) fn release(&mut self, index: u32) -> bool {
        let slot = &mut self.slots[index as usize];
        slot.is_live = false;
        if let Some(port) = slot.port.as_ref().filter(|port| port.number == MOVED) {
            self.moved.remove(&port.key);
        }
        let leads_elsewhere = slot.port.as_ref().is_some_and(|port| port.moved_to().is_some());
        if leads_elsewhere || self.free.len() >= SPARE_MAX {
            slot.port = None;
        }
        self.free.push(index);
        slot.is_registered
    }

    /// The port with this number, if it lives.
    pub(crate) fn get(&self, index: u32) -> Option<&Arc<Port>> {
        let slot = self.slots.get(index as usize)?;
        slot.port.as_ref().filter(|_| slot.is_live)
    }

    /// The port that others know by this number and key; of one that has not moved only the number is
    /// looked at.
    pub(crate) fn find(&self, number: u32, key: u64) -> Option<&Arc<Port>> {
        self.get(if number == MOVED { *self.moved.get(&key)? } else { number })
    }

    /// All that live.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Arc<Port>> {
        self.slots.iter().filter_map(|slot| slot.port.as_ref().filter(|_| slot.is_live))
    }

    /// Those whose receive rights `from` has offered, and that have not come.
    pub(crate) fn coming_from(&self, from: u64) -> impl Iterator<Item = &Arc<Port>> {
        let slots = self.slots.iter().filter(move |slot| slot.is_live && slot.comes_from == Some(from));
        slots.filter_map(|slot| slot.port.as_ref())
    }

    /// The port that `from` has offered by this key comes, or never will.
    pub(crate) fn arrive(&mut self, from: u64, key: u64) -> Option<Arc<Port>> {
        let slot = &mut self.slots[*self.moved.get(&key)? as usize];
        slot.comes_from.take_if(|expected| *expected == from)?;
        slot.port.clone()
    }

    /// Where a port of this task's own lies: at its number.
    pub(crate) fn place(&self, index: u32) -> Place {
        Place { segment: 0, generation: self.slots[index as usize].life, offset: u64::from(index) }
    }

    /// The receive right becomes a handle, or only a name; says whether it was a handle.
    pub(crate) fn set_handle(&mut self, index: u32, has_handle: bool) -> bool {
        std::mem::replace(&mut self.slots[index as usize].has_handle, has_handle)
    }

    /// Whether the receive right is a handle.
    pub(crate) fn has_handle(&self, index: u32) -> bool {
        self.slots[index as usize].has_handle
    }

    /// The authority keeps a name for the port from here on, or none; says what was so before.
    pub(crate) fn set_registered(&mut self, index: u32, is_registered: bool) -> bool {
        std::mem::replace(&mut self.slots[index as usize].is_registered, is_registered)
    }
}
