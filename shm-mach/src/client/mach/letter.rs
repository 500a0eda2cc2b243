//! A message of a caller, taken into the transport's hands: rights as values, memory as bytes.

use std::sync::Arc;

use crate::client::message::Message;
use crate::client::once_right::SendOnceRight;
use crate::client::right::Right;
use crate::client::space::Leftover;
use crate::client::task::Inner;
use crate::ipc::PortError;
use crate::ring::slot::{BODY_MAX, RIGHTS_MAX};
use crate::wire::mach::descriptor::in_body;
use crate::wire::mach::disposition::PortType;
use crate::wire::mach::form::{self, DESCRIPTORS_MAX, ENTRY_BYTES, Form, RIGHT, Reply};
use crate::wire::mach::{Address, Code, Descriptor, Disposition, Envelope, GuardFlags, RawName, Shape};

use super::memory::{Memory, Raw};

/// What goes beside the rights that are a message's own: a form, and a reply that is a send right or one
/// that was passed on.
const RIGHTS_BESIDE: u32 = 2;

/// A message on its way: nothing in it is a name or an address any more. Dropped, it is destroyed with all
/// that it carries.
#[derive(Debug, Default)]
pub(super) struct Letter {
    pub(super) id: i32,
    pub(super) payload: Vec<u8>,
    pub(super) reply: Option<SendOnceRight>,
    pub(super) rights: Vec<Right>,
    pub(super) form: Option<Form>,
}

/// Where the memory of a caller is, and what may be done there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    pub(super) memory: Memory,
    /// Where the message lies.
    pub(super) at: Address,
    /// Memory may be taken away from the caller.
    pub(super) raw: Option<Raw>,
}

/// Whether a message of this shape and with `aux` bytes of auxiliary data can travel. Nothing was
/// consumed yet.
///
/// # Errors
/// `SEND_TOO_LARGE`: too many descriptors or rights, or body and memory together longer than 64 MiB.
pub(super) fn check_size(shape: &Shape<'_>, aux: usize) -> Result<(), Code> {
    let count = shape.descriptors().len();
    let bytes = form::payload_size(shape.body().len(), count, shape.memory(), aux);
    let is_too_large = count > DESCRIPTORS_MAX as usize
        || shape.rights() + RIGHTS_BESIDE > RIGHTS_MAX as u32
        || bytes > BODY_MAX as u64;
    if is_too_large { Err(Code::SEND_TOO_LARGE) } else { Ok(()) }
}

impl Letter {
    /// Room for what stands behind the header of a message, and for auxiliary data.
    ///
    /// # Errors
    /// `SEND_NO_BUFFER` (Z7).
    pub(super) fn room(shape: &Shape<'_>, aux: Option<&[u8]>) -> Result<Vec<u8>, Code> {
        let table = shape.descriptors().len() * ENTRY_BYTES;
        let bytes = shape.body().len() + table + shape.memory() as usize + aux.map_or(0, <[u8]>::len);
        let mut room = Vec::new();
        room.try_reserve_exact(bytes).map_err(|_| Code::SEND_NO_BUFFER)?;
        Ok(room)
    }

    /// A message with the reply of a header, and yet without a body. `payload` is room for it.
    pub(super) fn with_reply(id: i32, envelope: &Envelope, reply: Option<Right>, payload: Vec<u8>) -> Self {
        let kind = envelope.reply_disposition.map(Disposition::port_type);
        let mut form = Form { voucher: envelope.voucher.name.0, ..Form::default() };
        if envelope.voucher.disposition.is_some() {
            form.voucher = RawName::NULL.0; // a right that is none
        }
        let mut letter = Self { id, payload, ..Self::default() };
        match (reply, kind) {
            (Some(Right::SendOnce(right)), _) => letter.reply = Some(right),
            (Some(Right::Send(right)), _) => {
                letter.rights.push(Right::Send(right));
                form.reply = Reply::Right;
            }
            (Some(_), Some(kind)) => form.reply = Reply::Dead(kind),
            (None, Some(kind)) if envelope.reply == RawName::DEAD => form.reply = Reply::Dead(kind),
            (None, Some(kind)) => form.reply = Reply::Null(kind),
            (_, None) => {}
        }
        letter.form = Some(form);
        letter
    }

    /// Takes in what stands behind the header, and auxiliary data. What fails in the middle leaves what
    /// comes after it where it is; what came before is destroyed with the letter (SD11).
    ///
    /// # Errors
    /// The descriptors in their order: `SEND_INVALID_RIGHT`, `SEND_INVALID_MEMORY`.
    pub(super) fn fill(
        &mut self,
        task: &Arc<Inner>,
        shape: &Shape<'_>,
        reach: Reach,
        aux: Option<&[u8]>,
    ) -> Result<(), Code> {
        let mut form = self.form.unwrap_or_default();
        let count = shape.descriptors().len();
        let body = shape.body().len();
        let table_bytes = count * ENTRY_BYTES;
        self.payload.extend_from_slice(shape.body());
        self.payload.resize(body + table_bytes, 0);
        for (index, descriptor) in shape.descriptors().enumerate() {
            let sent = self.take(task, descriptor, reach)?;
            let at = body + index * ENTRY_BYTES;
            self.payload[at..at + ENTRY_BYTES].copy_from_slice(&form::encode(&sent));
        }
        self.payload.extend_from_slice(aux.unwrap_or_default());
        (form.is_complex, form.descriptors) = (shape.header().bits.is_complex(), count as u32);
        (form.body, form.aux) = (body as u32, aux.map(|aux| aux.len() as u16));
        let is_plain = form == self.plain(&form) && shape.descriptors().all(|one| is_send_right(&one));
        if is_plain {
            self.payload.truncate(body);
            self.form = None;
        } else {
            self.form = Some(form);
        }
        Ok(())
    }

    /// The form of a message that needs none: what a program of this crate's own interface would send.
    fn plain(&self, form: &Form) -> Form {
        let count = self.rights.iter().filter(|right| matches!(right, Right::Send(_))).count() as u32;
        Form { is_complex: count > 0, descriptors: count, body: form.body, ..Form::default() }
    }

    /// Takes in one descriptor; gives it as it travels.
    fn take(
        &mut self,
        task: &Arc<Inner>,
        descriptor: Descriptor<Address>,
        reach: Reach,
    ) -> Result<Descriptor<Address>, Code> {
        match descriptor {
            Descriptor::Port { name, disposition } => {
                let name = self.take_right(task, name, disposition)?;
                Ok(Descriptor::Port { name, disposition })
            }
            Descriptor::GuardedPort { name, context, flags } => {
                let name = self.take_guarded(task, name, context, flags)?;
                Ok(Descriptor::GuardedPort { name, context, flags })
            }
            Descriptor::Memory { deallocate, .. } => {
                let Some((at, bytes)) = descriptor.memory() else { return Ok(descriptor) };
                self.read(*at, bytes, deallocate, reach)?;
                Ok(descriptor)
            }
            Descriptor::Ports { deallocate, disposition, .. } => {
                let Some((at, bytes)) = descriptor.memory() else { return Ok(descriptor) };
                let from = self.payload.len();
                // The array is the sender's no more before its rights are looked at (B6).
                self.read(*at, bytes, deallocate, reach)?;
                let mut names = from;
                while names < self.payload.len() {
                    let (name, _) = self.payload[names..].split_first_chunk().expect("whole names");
                    let name = RawName(u32::from_le_bytes(*name));
                    let sent = self.take_right(task, name, disposition)?;
                    self.payload[names..names + 4].copy_from_slice(&sent.0.to_le_bytes());
                    names += 4;
                }
                Ok(descriptor)
            }
        }
    }

    /// Takes in one right; gives what travels in its name's place.
    fn take_right(&mut self, task: &Arc<Inner>, name: RawName, disposition: u8) -> Result<RawName, Code> {
        let Some(disposition) = in_body(name, disposition).map_err(|refusal| refusal.code())? else {
            if name == RawName::DEAD {
                self.rights.push(Right::Dead); // who knows no descriptors sees it in its place
                return Ok(RIGHT);
            }
            return Ok(name);
        };
        let mut rest = Leftover::default();
        let taken = {
            let mut names = task.names.lock();
            match disposition {
                Disposition::MakeSendOnce if names.is_for_replies(name) => Err(PortError::ForReplies),
                _ => names.take(name, disposition, &mut rest),
            }
        };
        task.finish(rest);
        let taken = taken.map_err(|_| Code::SEND_INVALID_RIGHT)?;
        self.rights.push(taken.into_right(task));
        Ok(RIGHT)
    }

    /// Takes in a receive right with its guard; gives what travels in its name's place.
    fn take_guarded(
        &mut self,
        task: &Arc<Inner>,
        name: RawName,
        context: u64,
        flags: GuardFlags,
    ) -> Result<RawName, Code> {
        if !name.is_valid() {
            return self.take_right(task, name, 0);
        }
        let guard = Some(context).filter(|_| !flags.contains(GuardFlags::UNGUARDED_ON_SEND));
        let mut rest = Leftover::default();
        let taken = task.names.lock().take_guarded(name, guard, &mut rest);
        task.finish(rest);
        self.rights.push(taken.map_err(|_| Code::SEND_INVALID_RIGHT)?.into_right(task));
        Ok(RIGHT)
    }

    /// Takes in memory, and perhaps takes it away from the caller.
    fn read(&mut self, at: Address, bytes: u64, deallocate: bool, reach: Reach) -> Result<(), Code> {
        let from = self.payload.len();
        let raw = if deallocate { Some(reach.raw.ok_or(Code::SEND_INVALID_MEMORY)?) } else { None };
        self.payload.resize(from + bytes as usize, 0);
        if reach.memory.read(at, &mut self.payload[from..]) as u64 != bytes {
            return Err(Code::SEND_INVALID_MEMORY);
        }
        if let Some(raw) = raw {
            reach.memory.unmap(raw, at, bytes);
        }
        Ok(())
    }

    /// As the transport sends it.
    pub(super) fn as_message(&mut self) -> Message<'_> {
        let Self { id, payload, reply, rights, form } = self;
        let (reply, rights) = (reply.take(), std::mem::take(rights));
        Message { id: *id, body: payload, reply, rights, form: *form }
    }
}

/// Whether a descriptor says nothing that a send right beside the message does not say.
fn is_send_right(descriptor: &Descriptor<Address>) -> bool {
    let Descriptor::Port { disposition, .. } = descriptor else { return false };
    let known = Disposition::from_number(u32::from(*disposition));
    known.is_some_and(|known| known.port_type() == PortType::Send)
}
