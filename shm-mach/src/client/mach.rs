//! `mach_msg`: messages in Mach's own form, by names and out of a caller's memory.
//!
//! A message is a header, descriptors of rights and of memory, and plain bytes, as C programs for Mach
//! write it; see the folder's `messages.md` for its bytes, and for how it travels. A program of this
//! crate's own interface understands it and is understood: each right in a [`Message`](crate::Message) is a
//! PORT descriptor here, and the other way round. A [`Parcel`] is for such a program that sends memory.
//!
//! ```
//! use shm_mach::mach::{Bits, Call, Code, Header, Options};
//! use shm_mach::{RawName, Task, authority::Embedded};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let authority = Embedded::start()?;
//! let (task, _) = Task::attach_to(authority.connect()?, &shm_mach::Options::default())?;
//! let port = task.allocate()?.into_name();
//!
//! // To the task itself: a send right is made for the message (MAKE_SEND), and used up by it.
//! let bits = Bits::new(20, 0, 0, false);
//! let header = Header { bits, remote: port.into(), id: 7, ..Header::default() };
//! let mut buffer = [0; 64];
//! buffer[..24].copy_from_slice(&header.encode());
//! buffer[24..28].copy_from_slice(b"ping");
//! let call = Call {
//!     options: Options::SEND_MSG | Options::RCV_MSG,
//!     send_size: 28,
//!     receive_size: 64,
//!     receive_name: port.into(),
//!     ..Call::default()
//! };
//! assert_eq!(task.mach_msg(&mut buffer, &call), Code::SUCCESS);
//! let header = Header::decode(&buffer).unwrap();
//! assert_eq!((header.id, header.size, header.local), (7, 28, RawName::from(port)));
//! assert_eq!(&buffer[24..28], b"ping");
//! # Ok(())
//! # }
//! ```

mod copyin;
mod copyout;
mod destroy;
mod letter;
#[allow(unsafe_code, reason = "memory that is known by its address alone")]
mod memory;
mod parcel;
mod place;
mod receive;
mod reply;
mod send;
mod wide;

use std::time::Duration;

use futex::Deadline;

use crate::client::task::Task;
use crate::ipc::RawName;

use letter::Reach;
use memory::Memory;
use place::Place;
pub(crate) use receive::Room;
use send::Extra;
use wide::Wide;

pub use crate::wire::mach::{
    Address, Arguments, AuditToken, Bits, Code, CopyOption, Descriptor, Disposition, Header, Notify, Options,
    PortType, SecurityToken, Special, Trailer, Vector,
};
pub use memory::Raw;
pub use parcel::Parcel;

/// The arguments of a call, beside its buffer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Call {
    /// What is to be done, and how.
    pub options: Options,
    /// Bytes of the message to be sent.
    pub send_size: u32,
    /// Bytes of room for the message to be received, and its trailer.
    pub receive_size: u32,
    /// Where to receive from: a receive right, or a port set.
    pub receive_name: RawName,
    /// How long to wait at most, in milliseconds, with `SEND_TIMEOUT` and `RCV_TIMEOUT`: each for itself.
    pub timeout: u32,
}

/// Until when a call waits, if the option `limited` is set.
fn deadline(call: &Call, limited: Options) -> Deadline {
    match (call.options.contains(limited), call.timeout) {
        (false, _) => Deadline::NEVER,
        (true, 0) => Deadline::NOW,
        (true, timeout) => Deadline::after(Duration::from_millis(timeout.into())),
    }
}

/// # Messages in Mach's form
///
/// One call sends, or receives, or sends and then receives; it returns Mach's own code. What a send that
/// fails has consumed is Mach's rule too: nothing, as long as something is wrong with the message's shape
/// or its header; the header's rights, and what comes before it in the body, when something is wrong with
/// the body; and nothing when there was no room, or not in time: then the message stands in the buffer
/// again, with all its rights as ones to be moved, perhaps under new names.
///
/// In a forked child every name is unknown.
impl Task {
    /// `mach_msg` with a buffer that is a slice: the message to be sent is read from it, and the one that is
    /// received is written over it. A buffer shorter than the call says is one that cannot be read, or
    /// written, any further.
    ///
    /// Memory out of line is read wherever a descriptor says that it is, and memory that arrives is fresh:
    /// the program finds it by its address, and unmaps it. It is not taken from the sender: a descriptor
    /// that wants that is refused (`SEND_INVALID_MEMORY`), since the compiler could not know of it; see
    /// [`mach_msg_raw`](Self::mach_msg_raw).
    pub fn mach_msg(&self, buffer: &mut [u8], call: &Call) -> Code {
        self.call(call, &mut Place::Slice(buffer), None)
    }

    /// The same with a buffer of its own to receive into: `mach_msg_overwrite`.
    pub fn mach_msg_overwrite(&self, message: &mut [u8], into: &mut [u8], call: &Call) -> Code {
        self.call(call, &mut Place::Slice(message), Some(&mut Place::Slice(into)))
    }

    /// The same for programs whose buffers are addresses; that may be one for both. Memory that cannot be
    /// read or written is an error and no fault.
    pub fn mach_msg_raw(&self, raw: Raw, message: Address, into: Address, call: &Call) -> Code {
        let memory = Memory::of(self.identity());
        self.call(call, &mut Place::Raw(raw, memory, message), Some(&mut Place::Raw(raw, memory, into)))
    }

    /// `mach_msg2` of a program whose buffers are addresses. The header to be sent is in `arguments`, with the
    /// count of descriptors; at `data` is the message, and there is room to receive into, or with the
    /// option `VECTOR` the list of buffers: one for the message, one for auxiliary data.
    ///
    /// All ports are queues, so a send says `SEND_MQ_CALL` or `SEND_ANY`; one that calls an object is
    /// refused with `SEND_INVALID_OPTIONS`.
    pub fn mach_msg2_raw(
        &self,
        raw: Raw,
        data: Address,
        options: Options,
        arguments: &Arguments,
        timeout: u32,
    ) -> Code {
        let memory = Memory::of(self.identity());
        Wide { task: self, raw, memory, options, arguments }.call(data, timeout)
    }

    /// `mach_msg_destroy`: gives up the rights of a message that was received, or came back from a send:
    /// its remote port, and what its descriptors hold. Not its local port. Dispositions that would have
    /// made a right make it, and give it up. Memory stays.
    pub fn mach_msg_destroy(&self, message: &[u8]) {
        let at = Address(message.as_ptr().addr() as u64);
        destroy::destroy(self, message, Reach { memory: Memory::of(self.identity()), at, raw: None });
    }

    /// The same of a message at an address; memory that is marked to be deallocated is unmapped.
    pub fn mach_msg_destroy_raw(&self, raw: Raw, message: Address) {
        destroy::destroy_at(self, &Place::Raw(raw, Memory::of(self.identity()), message));
    }

    /// Refuses calls in a forked child.
    fn check_here(&self, options: Options) -> Result<(), Code> {
        let is_send = options.contains(Options::SEND_MSG);
        let code = if is_send { Code::SEND_INVALID_DEST } else { Code::RCV_INVALID_NAME };
        self.is_here().map_err(|_| code)
    }

    fn call<'a>(&self, call: &Call, message: &mut Place<'a>, into: Option<&mut Place<'a>>) -> Code {
        if let Err(code) = self.check_here(call.options) {
            return code;
        }
        if call.options.contains(Options::SEND_MSG) {
            let sent = send::send(self, message, call, &Extra::default());
            if sent != Code::SUCCESS {
                return sent;
            }
        }
        if call.options.contains(Options::RCV_MSG) {
            return receive::receive(self, into.unwrap_or(message), call, None);
        }
        Code::SUCCESS
    }
}
