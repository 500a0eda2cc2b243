//! Rights that are taken out of one name and put under another: `insert_right`, `extract_right`.
//!
//! A right is taken out as a message would take it, and then belongs to no name. What cannot be put
//! anywhere ends: a moved right is lost, as in Mach, and a receive right takes its port with it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::client::held::{Held, Target};
use crate::client::once_right::Parked;
use crate::client::port::Port;
use crate::client::space::{Keep, Leftover, Names, Share, added};
use crate::client::task::{Inner, Task};
use crate::ipc::{
    Carried, Disposition, PortError, PortId, PortName, RawName, ReceiveTraits, ReceiverId, Right, State,
    Urefs,
};

/// A right that is under no name.
#[derive(Debug)]
pub(crate) enum Loose {
    /// What a dead name stood for.
    Dead,
    /// A send right.
    Send { port: PortId, receiver: ReceiverId, credit: Credit },
    /// A send-once right.
    Once { right: Parked, number: u64 },
    /// The receive right of the port with this number.
    Receive { port: PortId, index: u32, port_destroyed: bool },
}

/// What a send right that is under no name stands on.
#[derive(Debug)]
pub(crate) enum Credit {
    /// On one that stays with the name that it came from.
    Named,
    /// On one that nobody else needs any more.
    Whole(Share),
    /// On one of its own: it was made just now.
    Fresh(Target),
}

impl Keep {
    /// Takes one reference from what the name owns; with it the credit, if that was the last that needs it.
    fn loosen(&mut self) -> Credit {
        let Some(at) = self.shares.iter().rposition(|share| share.named > 0) else {
            self.more -= 1;
            return Credit::Named;
        };
        let share = &mut self.shares[at];
        share.named -= 1;
        if share.named > 0 || share.handles > 0 {
            Credit::Named
        } else {
            Credit::Whole(self.shares.remove(at))
        }
    }
}

impl Names {
    /// Takes a right out of a name.
    ///
    /// # Errors
    /// 1. [`PortError::UnknownName`].
    /// 2. [`PortError::NoSuchRight`].
    /// 3. [`PortError::Immovable`].
    /// 4. [`PortError::Pinned`]: what would be moved belongs to a handle.
    fn take_loose(
        &mut self,
        name: RawName,
        disposition: Disposition,
        rest: &mut Leftover,
    ) -> Result<Loose, PortError> {
        self.space.check_copyin(name, disposition)?;
        let entry = self.space.entry(name)?;
        let (state, is_counted) = (*entry.state(), entry.urefs() != Urefs::MAX.get());
        let owned = match (state, disposition) {
            (State::Port { receive: Some(receive), .. }, Disposition::MoveReceive) => {
                !self.ports.has_handle(receive.handle as u32)
            }
            (State::Port { .. } | State::Dead { .. }, Disposition::MoveSend | Disposition::MoveSendOnce) => {
                !is_counted || self.keep(name.index()).named() > 0
            }
            _ => true,
        };
        if !owned {
            return Err(PortError::Pinned);
        }
        let moved = is_counted && disposition != Disposition::CopySend;
        let carried = self.space.copyin(name, disposition, &mut self.effects)?;
        let loose = match carried {
            Carried::Dead => {
                if moved {
                    self.drop_loosened(name, rest);
                }
                Loose::Dead
            }
            Carried::Send { port, receiver, .. } => {
                let credit = if moved { self.keep(name.index()).loosen() } else { Credit::Named };
                Loose::Send { port, receiver, credit }
            }
            Carried::SendOnce { handle: number, .. } => {
                let kept = self.once.release(number).expect("the right under a name");
                Loose::Once { right: kept.right, number }
            }
            Carried::Receive { port, handle } => {
                let port_destroyed = match state {
                    State::Port { receive: Some(receive), .. } => receive.traits.port_destroyed,
                    _ => false,
                };
                Loose::Receive { port, index: handle as u32, port_destroyed }
            }
        };
        self.settle(rest);
        Ok(loose)
    }

    /// A reference to a dead name was moved: it is gone.
    fn drop_loosened(&mut self, name: RawName, rest: &mut Leftover) {
        if let Credit::Whole(share) = self.keep(name.index()).loosen() {
            rest.ended.push(share.held);
        }
    }

    /// Whether a right to a port of this task's own lives.
    fn is_alive(&self, port: &Arc<Port>) -> bool {
        self.ports.get(port.index).is_some_and(|live| Arc::ptr_eq(live, port))
    }

    /// Puts a right under a name that was chosen, or under the one that it gets. Says which that is.
    ///
    /// # Errors
    /// The right has ended.
    /// 1. [`PortError::ReservedName`]: NULL or DEAD was chosen.
    /// 2. [`PortError::DeadPort`].
    /// 3. As [`Space::insert_right`](crate::ipc::Space::insert_right) and
    ///    [`Space::insert`](crate::ipc::Space::insert).
    pub(crate) fn put_loose(
        &mut self,
        loose: Loose,
        chosen: Option<RawName>,
        rest: &mut Leftover,
    ) -> Result<PortName, PortError> {
        let placed = self.place_loose(&loose, chosen);
        self.effects.clear(); // a surplus, which the credits know better
        match placed {
            Ok(name) => self.own_loose(name, loose, rest),
            Err(_) => self.end_loose(loose, rest),
        }
        placed
    }

    fn place_loose(&mut self, loose: &Loose, chosen: Option<RawName>) -> Result<PortName, PortError> {
        if chosen.is_some_and(|name| !name.is_valid()) {
            return Err(PortError::ReservedName);
        }
        let right = match loose {
            Loose::Dead => return Err(PortError::DeadPort),
            Loose::Send { credit: Credit::Fresh(Target::Local(port)), .. } if !self.is_alive(port) => {
                return Err(PortError::DeadPort);
            }
            Loose::Once { right: Parked::Local(port), .. } if !self.is_alive(port) => {
                return Err(PortError::DeadPort);
            }
            Loose::Send { port, receiver, .. } => Right::Send { port: *port, receiver: *receiver },
            Loose::Once { right, number } => {
                let (port, receiver) = right.id(self.space.task(), *number);
                Right::SendOnce { port, receiver, handle: *number }
            }
            Loose::Receive { port, index, .. } => {
                Right::Receive { port: *port, from: self.space.task(), handle: u64::from(*index) }
            }
        };
        match chosen {
            None => self.space.insert(right, &mut self.effects),
            Some(name) => {
                self.space.insert_right(name, right, &mut self.effects)?;
                Ok(PortName::new(name.0).expect("a name that was taken has the form of one"))
            }
        }
    }

    /// The right belongs to the name from here on.
    fn own_loose(&mut self, name: PortName, loose: Loose, rest: &mut Leftover) {
        match loose {
            Loose::Dead => {}
            Loose::Send { credit, .. } => self.own_credit(name, credit, rest),
            Loose::Once { right, number } => self.once.keep(number, name, right),
            Loose::Receive { index, port_destroyed, .. } => {
                self.ports.rename(index, name);
                let place = self.ports.place(index);
                let traits = ReceiveTraits { port_destroyed, ..ReceiveTraits::default() };
                let done = self.space.set_receive_traits(name.into(), traits);
                debug_assert_eq!(
                    done.and(self.space.set_place(name.into(), place)),
                    Ok(()),
                    "put there just now"
                );
                rest.moved.extend(self.ports.get(index).cloned());
            }
        }
    }

    fn own_credit(&mut self, name: PortName, credit: Credit, rest: &mut Leftover) {
        let keep = self.keep(name.index());
        let share = match credit {
            Credit::Named => return keep.add_named(1),
            Credit::Fresh(target) => {
                let is_same =
                    |share: &&mut Share| !share.held.is_dead() && share.held.target().merges_with(&target);
                if let Some(same) = keep.shares.iter_mut().find(is_same) {
                    same.held.share();
                    same.held.arrivals.fetch_add(1, Ordering::Relaxed);
                    same.named = added(same.named, 1);
                    return rest.surplus.push(target);
                }
                Share { held: Held::new(name, target), handles: 0, named: 1, lanes: Vec::new() }
            }
            // A credit like it cannot be here: they merge when they arrive.
            Credit::Whole(share) if share.held.name == name => Share { named: 1, ..share },
            Credit::Whole(share) => {
                let held = share.held.renamed(name);
                rest.renamed.push((share.held, held.clone()));
                Share { held, handles: 0, named: 1, lanes: share.lanes }
            }
        };
        keep.shares.push(share);
        self.show_place(name);
    }

    /// The right ends.
    fn end_loose(&mut self, loose: Loose, rest: &mut Leftover) {
        match loose {
            Loose::Dead | Loose::Send { credit: Credit::Named, .. } => {}
            Loose::Send { credit: Credit::Whole(share), .. } => rest.ended.push(share.held),
            Loose::Send { credit: Credit::Fresh(target), .. } => rest.surplus.push(target),
            Loose::Once { right, .. } => rest.unused.push(right),
            Loose::Receive { index, port_destroyed: true, .. } => {
                rest.returned.extend(self.ports.get(index).cloned())
            }
            Loose::Receive { port, index, .. } => {
                self.space.port_died(port, self.space.task(), &mut self.effects);
                self.settle(rest);
                let dead = self.ports.get(index).cloned().expect("the port of a receive right");
                rest.destroyed.push((dead, self.ports.release(index)));
            }
        }
    }
}

impl Inner {
    /// Takes a right out of a name, or makes it there.
    ///
    /// # Errors
    /// As [`Names::take_loose`].
    fn take_out(
        &self,
        name: RawName,
        disposition: Disposition,
        rest: &mut Leftover,
    ) -> Result<Loose, PortError> {
        let mut names = self.names.lock();
        if !matches!(disposition, Disposition::MakeSend | Disposition::MakeSendOnce) {
            return names.take_loose(name, disposition, rest);
        }
        names.space.check_copyin(name, disposition)?;
        let port = names.received(name)?;
        let own = names.space.task();
        drop(names);
        Ok(if disposition == Disposition::MakeSend {
            port.add_local_sender(true);
            let (id, receiver) = Target::id_of(&port, own);
            Loose::Send { port: id, receiver, credit: Credit::Fresh(Target::Local(port)) }
        } else {
            port.add_once();
            Loose::Once { right: Parked::Local(port), number: self.next_serial() }
        })
    }

    /// A name gets one more send right from itself, if it can (I2).
    ///
    /// # Errors
    /// 1. [`PortError::ReservedName`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::DeadPort`].
    /// 4. [`PortError::NoSuchRight`].
    fn check_same(&self, name: RawName, disposition: Disposition) -> Result<(), PortError> {
        if !name.is_valid() {
            return Err(PortError::ReservedName);
        }
        match (*self.names.lock().space.entry(name)?.state(), disposition) {
            (State::Dead { .. }, _) => Err(PortError::DeadPort),
            (State::Port { receive: Some(_), .. }, Disposition::MakeSend) => Ok(()),
            (State::Port { send: Some(_), .. }, Disposition::CopySend) => Ok(()),
            _ => Err(PortError::NoSuchRight),
        }
    }
}

/// # Rights from name to name
///
/// What moves is a reference that the name owns; one that a handle owns is [`PortError::Pinned`].
impl Task {
    /// Takes a right out of the name `from`, as a message would, and puts it under the name `name`: a
    /// free one, or the one that has the rights to the same port. So a name can be chosen for a right.
    ///
    /// A receive right that is moved leaves its sets, its counts, context and guard are reset, and threads that
    /// receive by its old name are told that it is gone. A right
    /// that was taken out and cannot be put there ends.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. A send right, made or copied, from `name` itself: [`PortError::ReservedName`] for NULL and DEAD,
    ///    [`PortError::UnknownName`], [`PortError::DeadPort`], [`PortError::NoSuchRight`]; and 6.
    /// 3. Of `from`: [`PortError::UnknownName`], also for NULL and DEAD, [`PortError::NoSuchRight`],
    ///    [`PortError::Immovable`], [`PortError::Pinned`].
    /// 4. [`PortError::ReservedName`]: `name` is NULL or DEAD.
    /// 5. [`PortError::DeadPort`]: `from` was a dead name.
    /// 6. [`PortError::DeadPort`]: the port died meanwhile.
    /// 7. Of `name`: [`PortError::NoSpace`], [`PortError::BadNameBits`], [`PortError::ReservedIndex`],
    ///    [`PortError::OtherGeneration`], [`PortError::RightExists`], [`PortError::NameExists`],
    ///    [`PortError::ResourceShortage`].
    pub fn insert_right(
        &self,
        name: impl Into<RawName>,
        from: impl Into<RawName>,
        disposition: Disposition,
    ) -> Result<(), PortError> {
        self.is_here()?;
        let (name, from) = (name.into(), from.into());
        let is_shortcut =
            name == from && matches!(disposition, Disposition::MakeSend | Disposition::CopySend);
        if is_shortcut {
            self.inner.check_same(name, disposition)?;
        }
        self.hand_over(from, disposition, Some(name)).map(drop)
    }

    /// Takes a right out of a name, as a message would, and gives the name that it gets when it is
    /// received: for a send right the one that it had, unless it was the last; for a send-once right a
    /// name of its own. What a dead name stands for is DEAD.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::NoSuchRight`]: NULL or DEAD.
    /// 3. [`PortError::UnknownName`].
    /// 4. [`PortError::NoSuchRight`].
    /// 5. [`PortError::Immovable`].
    /// 6. [`PortError::Pinned`].
    /// 7. [`PortError::NoSpace`], [`PortError::ResourceShortage`]: the right has ended.
    pub fn extract_right(
        &self,
        name: impl Into<RawName>,
        disposition: Disposition,
    ) -> Result<RawName, PortError> {
        self.is_here()?;
        let name = name.into();
        if !name.is_valid() {
            return Err(PortError::NoSuchRight);
        }
        match self.hand_over(name, disposition, None) {
            Ok(name) => Ok(name.into()),
            Err(PortError::DeadPort) => Ok(RawName::DEAD),
            Err(error) => Err(error),
        }
    }

    fn hand_over(
        &self,
        from: RawName,
        disposition: Disposition,
        chosen: Option<RawName>,
    ) -> Result<PortName, PortError> {
        let mut rest = Leftover::default();
        self.inner.names.lock().refresh(from, &mut rest);
        let taken = self.inner.take_out(from, disposition, &mut rest);
        let put = taken.and_then(|loose| self.inner.names.lock().put_loose(loose, chosen, &mut rest));
        self.inner.finish(rest);
        put
    }
}
