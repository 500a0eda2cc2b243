//! Ports for replies: any number, and one for each thread, which generated code uses.

use std::cell::Cell;

use mach::segment::fork::Process;
use mach::{RawName, RightKind};

use crate::session::Session;

thread_local! {
    /// The name of this thread's, and the process in which it got it.
    static OWN: Cell<Option<(Process, u32)>> = const { Cell::new(None) };
}

impl Session {
    /// `mach_reply_port`: 0 where there is none.
    pub(crate) fn new_reply_port(&self) -> u32 {
        self.task.allocate_right(RightKind::Receive).map_or(0, |name| name.get())
    }

    /// `mig_get_reply_port`: this thread's, made at first.
    pub(crate) fn reply_port(&self) -> u32 {
        if let Some((_, name)) = OWN.get().filter(|(process, _)| *process == self.process()) {
            return name;
        }
        let name = self.new_reply_port();
        if name != 0 {
            OWN.set(Some((self.process(), name)));
        }
        name
    }

    /// `mig_dealloc_reply_port`: this thread's is given up, so that an answer which comes too late finds
    /// nobody.
    pub(crate) fn drop_reply_port(&self) {
        if let Some((_, name)) = OWN.take().filter(|(process, _)| *process == self.process()) {
            // The program may have given it up by itself.
            let _ = self.task.mod_refs(RawName(name), RightKind::Receive, -1);
        }
    }
}
