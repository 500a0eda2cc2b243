//! Messages with memory, for programs of this crate's own interface.

use crate::client::message::Message;
use crate::client::once_right::SendOnceRight;
use crate::client::right::Right;
use crate::wire::mach::form::{self, DESCRIPTORS_MAX, Form, RIGHT};
use crate::wire::mach::{Address, CopyOption, Descriptor, PortType};

/// A message with memory beside its body: pieces that the receiver finds each by itself, in
/// [`Received::memory`](crate::Received::memory) or, if it is a program of Mach's, out of line. All is copied.
///
/// ```
/// use shm_mach::mach::Parcel;
/// use shm_mach::{Received, Task, authority::Embedded};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let authority = Embedded::start()?;
/// let (task, _) = Task::attach_to(authority.connect()?, &shm_mach::Options::default())?;
/// let port = task.allocate()?;
/// let mut parcel = Parcel::new(1, b"two pieces").with_memory(b"one").with_memory(&[2; 4096]);
/// port.make_send().send(parcel.as_message()).map_err(|error| error.failure())?;
/// let mut message = Received::new();
/// port.receive(&mut message)?;
/// assert_eq!(message.body(), b"two pieces");
/// assert_eq!(message.memory().collect::<Vec<_>>(), [&b"one"[..], &[2; 4096]]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Parcel {
    id: i32,
    body: Vec<u8>,
    table: Vec<u8>,
    memory: Vec<u8>,
    descriptors: u32,
    reply: Option<SendOnceRight>,
    rights: Vec<Right>,
    payload: Vec<u8>,
}

impl Parcel {
    /// A message with id `id` and `body`. Body and memory together have at most 64 MiB, less 8 bytes for
    /// each piece and each right; beyond that the send is refused.
    pub fn new(id: i32, body: &[u8]) -> Self {
        Self {
            id,
            body: body.to_vec(),
            table: Vec::new(),
            memory: Vec::new(),
            descriptors: 0,
            reply: None,
            rights: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Adds a piece of memory, behind what is there already.
    ///
    /// # Panics
    /// With more than 16,383 pieces and rights.
    #[must_use]
    pub fn with_memory(mut self, bytes: &[u8]) -> Self {
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX); // too long to be sent
        let (at, copy) = (Address(0), CopyOption::Virtual);
        self.add(Descriptor::Memory { at, size, deallocate: false, copy, volatile: false });
        self.memory.extend_from_slice(bytes);
        self
    }

    /// Moves a right into the message, behind what is there already.
    ///
    /// # Panics
    /// As [`with_memory`](Self::with_memory).
    #[must_use]
    pub fn with_right(mut self, right: impl Into<Right>) -> Self {
        let right = right.into();
        let kind = right.port_type().unwrap_or(PortType::Send);
        self.add(Descriptor::Port { name: RIGHT, disposition: kind.number() as u8 });
        self.rights.push(right);
        self
    }

    /// Moves a send-once right into the message as its reply right.
    #[must_use]
    pub fn reply_to(mut self, right: SendOnceRight) -> Self {
        self.reply = Some(right);
        self
    }

    fn add(&mut self, descriptor: Descriptor<Address>) {
        assert!(self.descriptors < DESCRIPTORS_MAX, "more pieces and rights than one message has");
        self.descriptors += 1;
        self.table.extend(form::encode(&descriptor));
    }

    /// The message, to be sent. Its rights are in it, and not here any more; one that is refused comes back
    /// with them, as ever, and can be sent again as it is.
    pub fn as_message(&mut self) -> Message<'_> {
        self.payload = [&self.body[..], &self.table, &self.memory].concat();
        let body = u32::try_from(self.body.len()).unwrap_or(u32::MAX); // too long to be sent
        let form = Form { is_complex: true, descriptors: self.descriptors, body, ..Form::default() };
        let (reply, rights) = (self.reply.take(), std::mem::take(&mut self.rights));
        Message { id: self.id, body: &self.payload, reply, rights, form: Some(form) }
    }
}
