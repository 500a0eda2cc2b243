//! What a change of a port leaves to be done when its lock is released.

use std::sync::Arc;

use crate::client::link::Link;
use crate::client::listener::Listener;
use crate::client::local::LocalMessage;
use crate::client::notification::Notification;
use crate::client::once_right::Parked;
use crate::client::port::PortState;
use crate::ipc::PortName;
use crate::wire::control::Control;

/// What is left to do when the group's lock is released.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    pub(crate) condemned: Vec<Arc<Link>>,
    pub(crate) due: Vec<(Listener, Notification)>,
    pub(crate) destroyed: Vec<LocalMessage>,
    pub(crate) unused: Vec<Parked>,
    pub(crate) untold: Vec<(u64, Control)>,
    pub(crate) with_room: Option<PortName>,
}

impl Aftermath {
    /// Whether there is nothing to do, as mostly.
    pub(super) fn is_nothing(&self) -> bool {
        let Self { condemned, due, destroyed, unused, untold, with_room } = self;
        condemned.is_empty()
            && due.is_empty()
            && destroyed.is_empty()
            && unused.is_empty()
            && untold.is_empty()
            && with_room.is_none()
    }
}

impl PortState {
    /// What is to be done once the lock is released.
    pub(crate) fn aftermath(&mut self) -> Aftermath {
        self.is_retimed = false;
        Aftermath {
            condemned: std::mem::take(&mut self.condemned),
            due: std::mem::take(&mut self.due),
            destroyed: std::mem::take(&mut self.destroyed),
            unused: std::mem::take(&mut self.unused),
            untold: std::mem::take(&mut self.untold),
            with_room: self.with_room.take(),
        }
    }

    pub(super) fn has_aftermath(&self) -> bool {
        !self.due.is_empty()
            || !self.condemned.is_empty()
            || !self.missing.is_empty()
            || self.with_room.is_some()
            || self.is_retimed
    }
}
