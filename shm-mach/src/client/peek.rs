//! Looking at a port's next message and leaving it where it is.

use std::sync::Arc;

use crate::client::identity::Identity;
use crate::client::mach::Room;
use crate::client::message::Received;
use crate::client::port::Port;
use crate::client::receive_right::conclude;
use crate::client::take::Taken;
use crate::client::task::{Inner, Task};
use crate::ipc::{PortError, RawName};

/// What is told of a message that stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peeked {
    /// The number that it will be received under.
    pub seqno: u32,
    /// Its size as Mach tells it here: that of the message that `mach_msg` gives, and eight bytes more.
    pub size: u64,
    /// Its id.
    pub id: i32,
    /// Who sent it, attested as for [`Received::sender`].
    pub sender: Identity,
}

/// What a size is told with: the kernel's own header is so much longer than the program's.
const HEADER_DELTA: u64 = 8;

impl Task {
    /// `mach_port_peek`: looks at the next message of a port and leaves it there. `seqno` is 0, or the number
    /// of that message. Its sender may send one more from here on: the message has left its ring.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::NoSuchRight`] for NULL and DEAD, [`PortError::UnknownName`],
    ///    [`PortError::NoSuchRight`].
    /// 3. [`PortError::NoSuchMessage`]: there is none, or it has another number.
    pub fn peek(&self, name: impl Into<RawName>, seqno: u32) -> Result<Peeked, PortError> {
        self.is_here()?;
        let port = self.inner.names.lock().received(name.into())?;
        let peeked = peek(&self.inner, &port).ok_or(PortError::NoSuchMessage)?;
        if seqno != 0 && seqno != peeked.seqno {
            return Err(PortError::NoSuchMessage);
        }
        Ok(peeked)
    }
}

/// Takes the next message, for which there is no room: so it is the next one again.
fn peek(task: &Arc<Inner>, port: &Arc<Port>) -> Option<Peeked> {
    let mut into = Received::new();
    into.room = Some(Room::NONE);
    loop {
        let taken = port.group.try_take(&**task, |state| {
            if state.port.is_dead { Some(Taken::PortDied) } else { port.take_any(state, &mut into) }
        });
        match conclude(task, Some(port), taken?, &mut into) {
            Some(Ok(())) => {
                let Received { seqno, id, sender, kept_back, .. } = into;
                return kept_back.map(|size| Peeked { seqno, size: size + HEADER_DELTA, id, sender });
            }
            Some(Err(_)) => return None,
            None => {}
        }
    }
}
