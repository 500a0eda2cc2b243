//! `mach_msg2`: the header in the arguments, and lists of buffers.

use crate::client::task::Task;
use crate::wire::mach::vector::{AUX_HEADER_BYTES, Buffer, VECTOR_BYTES, Vectors};
use crate::wire::mach::{Address, Arguments, Code, Options};

use super::Call;
use super::memory::{Memory, Raw};
use super::place::Place;
use super::receive::{AuxRoom, receive};
use super::send::{Extra, send};

/// One call.
pub(super) struct Wide<'a> {
    pub(super) task: &'a Task,
    pub(super) raw: Raw,
    pub(super) memory: Memory,
    pub(super) options: Options,
    pub(super) arguments: &'a Arguments,
}

/// A buffer for the message, and perhaps one for auxiliary data.
type Buffers = (Buffer, Option<Buffer>);

impl Wide<'_> {
    pub(super) fn call(&self, data: Address, timeout: u32) -> Code {
        self.try_call(data, timeout).map_or_else(|code| code, |()| Code::SUCCESS)
    }

    fn try_call(&self, data: Address, timeout: u32) -> Result<(), Code> {
        self.task.check_here(self.options)?;
        self.options.check_call().map_err(|refusal| refusal.code())?;
        let is_send = self.options.contains(Options::SEND_MSG);
        let is_for_object =
            self.options.contains(Options::SEND_KOBJECT_CALL) || self.options.contains(Options::SEND_DK_CALL);
        if is_send && is_for_object {
            return Err(Code::SEND_INVALID_OPTIONS);
        }
        let vectors = self.vectors(data)?;
        if is_send {
            self.send(self.to_send(data, vectors.as_ref())?, timeout)?;
        }
        if self.options.contains(Options::RCV_MSG) {
            return self.receive(self.to_receive(data, vectors.as_ref())?, timeout);
        }
        Ok(())
    }

    /// The list of buffers of a vector call.
    fn vectors(&self, data: Address) -> Result<Option<Vectors>, Code> {
        if !self.options.contains(Options::VECTOR) {
            return Ok(None);
        }
        let is_send = self.options.contains(Options::SEND_MSG);
        let sent = if is_send { self.arguments.header.size } else { 0 };
        let received = if self.options.contains(Options::RCV_MSG) { self.arguments.receive_size } else { 0 };
        let count = sent.max(received);
        let mut list = [0; 2 * VECTOR_BYTES];
        let bytes = (count as usize).saturating_mul(VECTOR_BYTES).min(list.len());
        let read = self.memory.read(data, &mut list[..bytes]);
        let refused = |refusal: crate::wire::mach::SendRefusal| {
            if is_send { refusal.code() } else { Code::RCV_INVALID_ARGUMENTS }
        };
        Vectors::decode(&list[..read], count).map(Some).map_err(refused)
    }

    fn to_send(&self, data: Address, vectors: Option<&Vectors>) -> Result<Buffers, Code> {
        let size = self.arguments.header.size;
        match vectors {
            None => Ok(((data, size), None)),
            Some(vectors) => vectors.to_send(size).map_err(|refusal| refusal.code()),
        }
    }

    fn to_receive(&self, data: Address, vectors: Option<&Vectors>) -> Result<Buffers, Code> {
        let size = self.arguments.receive_size;
        match vectors {
            None => Ok(((data, size), None)),
            Some(vectors) => vectors.to_receive(size).map_err(|failure| failure.code()),
        }
    }

    fn place<'p>(&self, at: Address) -> Place<'p> {
        Place::Raw(self.raw, self.memory, at)
    }

    fn send(&self, ((at, send_size), aux): Buffers, timeout: u32) -> Result<(), Code> {
        let aux = aux.map(|(at, size)| {
            let mut bytes = vec![0; size as usize];
            let read = self.memory.read(at, &mut bytes);
            let payload = bytes.split_off(AUX_HEADER_BYTES as usize);
            if read == size as usize { Ok(payload) } else { Err(Code::SEND_INVALID_DATA) }
        });
        let header = Some((self.arguments.header, self.arguments.descriptors));
        let extra = Extra { header, aux: aux.transpose()? };
        let call = Call { options: self.options, send_size, timeout, ..Call::default() };
        as_result(send(self.task, &mut self.place(at), &call, &extra))
    }

    fn receive(&self, ((at, receive_size), aux): Buffers, timeout: u32) -> Result<(), Code> {
        let (options, receive_name) = (self.options, self.arguments.receive_name);
        let call = Call { options, receive_size, receive_name, timeout, ..Call::default() };
        let aux: AuxRoom<'_> = aux.map(|(at, size)| (self.place(at), size));
        as_result(receive(self.task, &mut self.place(at), &call, aux))
    }
}

fn as_result(code: Code) -> Result<(), Code> {
    if code == Code::SUCCESS { Ok(()) } else { Err(code) }
}
