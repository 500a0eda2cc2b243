//! A message from a caller's memory to its destination, or back.

use futex::Deadline;

use crate::client::error::SendFailure;
use crate::client::once_right::SendOnceRight;
use crate::client::right::Right;
use crate::client::send_right::SendRight;
use crate::client::signals::EndsAtSignals;
use crate::client::space::{Leftover, Names};
use crate::client::task::Task;
use crate::ipc::RawName;
use crate::wire::mach::outline::MESSAGE_MAX;
use crate::wire::mach::{
    Address, Code, Disposition, Envelope, Guarding, Header, Options, Outline, PortType, Returned,
    SendRefusal, Shape, Special,
};

use super::copyin::{Taken, check_strict_reply};
use super::copyout::{Opened, give};
use super::letter::{Letter, Reach, check_size};
use super::place::Place;
use super::{Call, deadline};

/// What is needed of a message before anything is taken.
struct Checked<'a> {
    shape: Shape<'a>,
    envelope: Envelope,
    aux: Option<&'a [u8]>,
}

/// A message that was not sent.
struct Back {
    failure: SendFailure,
    /// What the header has taken out of the destination's name; `None` if that was only lent.
    dest: Option<Right>,
}

/// What a call has to send besides what lies in its buffer.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    /// The header and the count of descriptors, if they are arguments (X1).
    pub(super) header: Option<(Header, u32)>,
    /// Auxiliary data, without its header.
    pub(super) aux: Option<Vec<u8>>,
}

/// A call with `SEND_MSG`.
pub(super) fn send(task: &Task, place: &mut Place<'_>, call: &Call, extra: &Extra) -> Code {
    let mut scratch = Vec::new();
    let (code, returned) = {
        let checked = match check(place, call, extra, &mut scratch) {
            Ok(checked) => checked,
            Err(code) => return code,
        };
        let reach = place.reach(task);
        match checked.dispatch(task, reach, call) {
            Ok(()) => return Code::SUCCESS,
            Err(refused) => refused,
        }
    };
    if let Some(returned) = returned {
        place.write(0, &returned);
    }
    code
}

/// What a failed send returns, and what is written over the message.
type Refused = (Code, Option<Vec<u8>>);

fn check<'a>(
    place: &'a Place<'_>,
    call: &Call,
    extra: &'a Extra,
    scratch: &'a mut Vec<u8>,
) -> Result<Checked<'a>, Code> {
    let refused = |refusal: SendRefusal| refusal.code();
    let message = place.read(call.send_size, MESSAGE_MAX, scratch);
    let outline = match extra.header {
        None => Outline::of_memory(call.send_size, message),
        Some((header, descriptors)) => Outline::of_arguments(call.send_size, header, descriptors),
    };
    let outline = outline.map_err(refused)?;
    let shape = outline.shape(call.options, message).map_err(refused)?;
    let aux = extra.aux.as_deref();
    check_size(&shape, aux.map_or(0, <[u8]>::len))?;
    let envelope = Envelope::check(shape.header(), call.options).map_err(refused)?;
    if envelope.voucher.disposition.is_some() && envelope.voucher.name.is_valid() {
        return Err(Code::SEND_INVALID_VOUCHER); // there are none
    }
    Ok(Checked { shape, envelope, aux })
}

impl Checked<'_> {
    fn dispatch(&self, task: &Task, reach: Reach, call: &Call) -> Result<(), Refused> {
        if call.options.contains(Options::STRICT_REPLY) {
            check_strict_reply(&task.inner, &self.envelope).map_err(|code| (code, None))?;
        }
        if !matches!(self.envelope.dest_disposition, Disposition::CopySend | Disposition::MoveSend) {
            return self.go(task, reach, call, None);
        }
        let gone = task.with_send_right(self.envelope.dest, |right| self.go(task, reach, call, Some(right)));
        gone.unwrap_or_else(|_| {
            // Nothing to send by: the first thing that is wrong with the header counts.
            let checked = task.inner.names.lock().check_header(&self.envelope);
            Err((checked.err().unwrap_or(Code::SEND_INVALID_DEST), None))
        })
    }

    /// Sends by the right that the destination's name lends, or by what the header takes out of it.
    fn go(&self, task: &Task, reach: Reach, call: &Call, lent: Option<&SendRight>) -> Result<(), Refused> {
        let refused = |code| (code, None);
        let room = Letter::room(&self.shape, self.aux).map_err(refused)?;
        let (dest, reply) = self.take_header(task, lent).map_err(refused)?;
        let mut letter = Letter::with_reply(self.shape.header().id, &self.envelope, reply, room);
        // What fails from here on takes the header's rights along.
        letter.fill(&task.inner, &self.shape, reach, self.aux).map_err(refused)?;
        let interruptible = call.options.contains(Options::SEND_INTERRUPT).then(EndsAtSignals::begin);
        let until = deadline(call, Options::SEND_TIMEOUT);
        let back = match post(lent, dest, &mut letter, until, call.options.contains(Options::SEND_NOTIFY)) {
            Ok(()) => return Ok(()),
            Err(back) => back,
        };
        drop(interruptible);
        let code = match back.failure {
            // It died after its right was looked at: sent, and destroyed with all that it carries (SD12).
            SendFailure::PortDied | SendFailure::Revoked => return Ok(()),
            SendFailure::Forked => return Err((Code::SEND_INVALID_DEST, None)),
            SendFailure::TimedOut => Code::SEND_TIMED_OUT,
            SendFailure::Interrupted => Code::SEND_INTERRUPTED,
            _ => Code::SEND_NO_BUFFER,
        };
        Err(self.give_back(task, code, back.dest, letter, reach.at))
    }

    /// Takes the rights of the header, all of them or none (SD5 to SD10).
    fn take_header(
        &self,
        task: &Task,
        lent: Option<&SendRight>,
    ) -> Result<(Option<Right>, Option<Right>), Code> {
        let envelope = &self.envelope;
        let reply = envelope.reply_disposition.filter(|_| envelope.reply.is_valid());
        let dest = Some(envelope.dest_disposition).filter(|how| *how != Disposition::CopySend);
        let is_dead = lent.is_some_and(|right| right.check_alive().is_err());
        if reply.is_none() && dest.is_none() && !is_dead {
            return Ok((None, None)); // the destination was found a moment ago, and nothing is taken
        }
        let mut rest = Leftover::default();
        let taken = {
            let mut names = task.inner.names.lock();
            let mut take = |names: &mut Names, name, how: Option<Disposition>, code| {
                let taken = how.map(|how| names.take(name, how, &mut rest));
                taken.transpose().map_err(|_| code)
            };
            names.check_header(envelope).and_then(|()| {
                if is_dead {
                    return Err(Code::SEND_INVALID_DEST);
                }
                let reply = take(&mut names, envelope.reply, reply, Code::SEND_INVALID_REPLY)?;
                let dest = take(&mut names, envelope.dest, dest, Code::SEND_INVALID_DEST)?;
                Ok((dest, reply))
            })
        };
        task.inner.finish(rest);
        let (dest, reply) = taken?;
        let whole = |taken: Option<Taken>| taken.map(|taken| taken.into_right(&task.inner));
        Ok((whole(dest), whole(reply)))
    }

    /// The message comes back to its sender (SD20): every right under a name, all memory mapped anew.
    fn give_back(
        &self,
        task: &Task,
        code: Code,
        dest: Option<Right>,
        mut letter: Letter,
        at: Address,
    ) -> Refused {
        let dest = dest.or_else(|| task.send_right(self.envelope.dest).ok().map(Right::Send));
        let dest_type = dest.as_ref().and_then(Right::port_type).unwrap_or(PortType::Send);
        let (dest, mut special) = dest.map_or((RawName::DEAD, Special::NONE), |right| give(task, right));
        let rights = std::mem::take(&mut letter.rights);
        let opened = Opened::new(letter.form.as_ref(), &letter.payload, &rights);
        let mut rights = rights.into_iter();
        let is_reply_port = task.inner.names.lock().is_for_replies(self.envelope.reply);
        let (reply, reply_type) = if is_reply_port {
            // What was made of it is unmade, and its name stands there as before.
            letter.reply.take().into_iter().for_each(SendOnceRight::unmake);
            (self.envelope.reply, Some(PortType::SendOnce))
        } else {
            let (reply, reply_type, more) = opened.give_reply(task, letter.reply.take(), &mut rights);
            special |= more;
            (reply, reply_type)
        };
        let placed = opened.place(task, rights, (Guarding::At(at), true));
        special |= placed.special;
        let returned = Returned {
            id: letter.id,
            dest,
            dest_type,
            reply,
            reply_type,
            is_reply_port,
            voucher: self.envelope.voucher,
            content: opened.content(&placed),
        };
        let mut bytes = vec![0; returned.content.size() as usize];
        let written = returned.deliver(&mut bytes, at).unwrap_or(0);
        bytes.truncate(written);
        (code.with(special), Some(bytes))
    }
}

/// Hands the message to the transport, by the right that is lent or by `dest`. Refused, all of it is in
/// the letter again.
fn post(
    lent: Option<&SendRight>,
    dest: Option<Right>,
    letter: &mut Letter,
    until: Deadline,
    notify: bool,
) -> Result<(), Back> {
    let message = letter.as_message();
    let send = if notify { SendRight::send_notify } else { SendRight::send_deadline };
    let (failure, mut message, dest) = match (lent, dest) {
        (Some(right), dest) => match send(right, message, until) {
            Ok(()) => return Ok(()),
            Err(refused) => (refused.failure(), refused.into_message(), dest),
        },
        (None, Some(Right::Send(right))) => match send(&right, message, until) {
            Ok(()) => return Ok(()),
            Err(refused) => (refused.failure(), refused.into_message(), Some(Right::Send(right))),
        },
        (None, Some(Right::SendOnce(right))) => match right.send(message) {
            Ok(()) => return Ok(()),
            Err(refused) => {
                let failure = refused.failure();
                let (message, right) = refused.into_parts();
                (failure, message, right.map(Right::SendOnce))
            }
        },
        // Not taken out of a name that was looked at under the same lock.
        (None, dest) => (SendFailure::PortDied, message, dest),
    };
    let (reply, rights) = (message.take_reply(), message.take_rights());
    (letter.reply, letter.rights) = (reply, rights);
    Err(Back { failure, dest })
}
