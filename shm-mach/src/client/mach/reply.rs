//! Ports for answers.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use crate::client::allocate::PortOptions;
use crate::client::task::{Inner, Task};
use crate::ipc::{RawName, RightKind};

/// A thread's port, which ends with the thread.
struct Own {
    task: Weak<Inner>,
    port: RawName,
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(inner) = self.task.upgrade() {
            // The program may have given it up before.
            let _ = Task { inner }.mod_refs(self.port, RightKind::Receive, -1);
        }
    }
}

thread_local! {
    /// One for each task of the process that this thread had answers come to.
    static OWN: RefCell<Vec<Own>> = const { RefCell::new(Vec::new()) };
}

impl Task {
    /// `mach_reply_port`: a new port, of which there is the receive right alone; NULL if there is none to
    /// be had.
    pub fn mach_reply_port(&self) -> RawName {
        self.allocate().map_or(RawName::NULL, |port| port.into_name().into())
    }

    /// The port of this thread for answers (`mig_get_reply_port`, `thread_get_special_reply_port`): the same
    /// at each call, as long as its receive right is there. Nothing is made of it but the send-once right
    /// of a header's reply, and it does not move. It ends with the thread. NULL if there is none to be had.
    pub fn thread_reply_port(&self) -> RawName {
        if self.is_here().is_err() {
            return RawName::NULL;
        }
        OWN.try_with(|own| {
            let mut own = own.borrow_mut();
            own.retain(|own| own.task.strong_count() > 0);
            let is_here = |own: &Own| std::ptr::eq(own.task.as_ptr(), Arc::as_ptr(&self.inner));
            if let Some(known) = own.iter().find(|own| is_here(own))
                && self.inner.names.lock().received(known.port).is_ok()
            {
                return known.port;
            }
            own.retain(|own| !is_here(own));
            let options = PortOptions { flags: PortOptions::REPLY_PORT, ..PortOptions::default() };
            let port = self.construct(&options, 0).map_or(RawName::NULL, RawName::from);
            if port.is_valid() {
                own.push(Own { task: Arc::downgrade(&self.inner), port });
            }
            port
        })
        .unwrap_or(RawName::NULL)
    }
}
