//! The functions that C calls. Each checks the task that it is about, and passes on.
//!
//! Arguments that a call has no use for are named with an underscore. Results are written only on success.

mod absent;
mod allocate;
mod attributes;
mod bootstrap;
mod globals;
mod guards;
mod info;
mod memory;
mod message;
mod mig;
mod ports;
mod semaphore;
mod sets;
mod task;
mod text;
mod time;
mod timer;

use mach::{PortError, Task, TypeBits};

use crate::code::{Code, returned};
use crate::objects::TASK;
use crate::session::Session;

/// Calls `act` for the task that a call names: there is none but the caller's own.
///
/// Of another name it says what a message to it would come to: [`Code::INVALID_TASK`] of a live right to
/// send, which leads to no task, else [`Code::INVALID_DEST`] (C2).
fn on_task(task: u32, act: impl FnOnce(&Session) -> Result<(), Code>) -> Code {
    returned(Session::current().and_then(|session| {
        if task == TASK {
            return act(session);
        }
        let sends = session.right_type(task).is_ok_and(|bits| bits.contains(TypeBits::SEND));
        Err(if sends { Code::INVALID_TASK } else { Code::INVALID_DEST })
    }))
}

/// Calls `act` for a name of the task's space.
fn on_name(task: u32, name: u32, act: impl FnOnce(&Task) -> Result<(), PortError>) -> Code {
    on_task(task, |session| session.in_space(name, act(&session.task)))
}
