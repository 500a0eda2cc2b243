//! A message from its port into a caller's memory.

use std::cell::Cell;

use crate::client::error::ReceiveError;
use crate::client::identity::Identity;
use crate::client::message::Received;
use crate::client::right::Right;
use crate::client::signals::EndsAtSignals;
use crate::client::task::Task;
use crate::ipc::{RawName, TypeBits};
use crate::wire::mach::arrival::tell_size;
use crate::wire::mach::content::{buffer_size, fit, message_size};
use crate::wire::mach::form::{Form, Reply};
use crate::wire::mach::vector::{AUX_HEADER_BYTES, AUX_MAX, aux_fits, deliver_aux};
use crate::wire::mach::{
    Address, Arrival, AuditToken, Code, Descriptor, Fit, Guarding, Options, PortType, Remains, SecurityToken,
    Special, Trailer, Voucher,
};
use crate::wire::record::Record;

use super::copyout::Opened;
use super::place::Place;
use super::{Call, deadline};

thread_local! {
    /// Room for messages, kept from one receive to the next.
    static ROOM: Cell<Option<Box<Received>>> = const { Cell::new(None) };
}

/// Bytes of the longest trailer that does not tell the context.
const WITHOUT_CONTEXT: u32 = Options::NONE.with_trailer(3).trailer_size();
/// The most room that a thread keeps for the next message, in bytes.
const KEPT_MAX: usize = 1 << 20;

/// A buffer for auxiliary data, and its size.
pub(super) type AuxRoom<'a> = Option<(Place<'a>, u32)>;

/// A call with `RCV_MSG`.
pub(super) fn receive(task: &Task, place: &mut Place<'_>, call: &Call, mut aux: AuxRoom<'_>) -> Code {
    let kept = ROOM.try_with(Cell::take).ok().flatten();
    let mut received = kept.unwrap_or_default();
    let (options, bytes) = (call.options, place.room(call.receive_size) as u64);
    let room = Room { options, bytes, aux: aux.as_ref().map(|(_, size)| *size) };
    received.room = Some(room).filter(|_| options.contains(Options::RCV_LARGE));
    received.kept_back = None;
    let code = match take(task, call, &mut received) {
        Ok(()) if let Some(size) = received.kept_back => stays(place, call, &received, size),
        Ok(()) => deliver(task, place, call, (&room, aux.as_mut()), &mut received),
        Err(code) => code,
    };
    received.clear();
    if received.body.capacity() <= KEPT_MAX {
        let _ = ROOM.try_with(|room| room.set(Some(received)));
    }
    code
}

/// The room of a receive that leaves messages where they are which do not fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    options: Options,
    bytes: u64,
    /// Of the buffer for auxiliary data, if there is one.
    aux: Option<u32>,
}

impl Room {
    /// For no message at all: whatever is next stays.
    pub(crate) const NONE: Self = Self { options: Options::RCV_LARGE, bytes: 0, aux: None };

    /// The size of a message that was just taken, if there is no room for it. Its rights are records yet,
    /// or values if it was not sent by another task.
    pub(crate) fn is_exceeded_by(&self, taken: &Received) -> Option<u64> {
        let mut records = taken.raw.records.as_chunks().0.iter();
        let mut form = taken.besides.form;
        if let Some(Record::Form(first)) = records.clone().next().and_then(Record::decode) {
            form = Some(first);
            records.next();
        }
        let is_body =
            |record: &Option<Record>| !matches!(record, Some(Record::Numbered { is_reply: true, .. }));
        let beside = records.map(Record::decode).filter(is_body).count();
        let size = match form {
            None => {
                let rights = taken.rights.len() + beside;
                let port: Descriptor<Address> = Descriptor::Port { name: RawName::NULL, disposition: 0 };
                message_size(false, &vec![port; rights], taken.body.len())
            }
            // What a peer wrote there may be nonsense: that is found when the message is delivered.
            Some(form) => {
                let parts = form.parts(&taken.body).unwrap_or_default();
                let descriptors: Vec<_> = parts.descriptors().collect();
                message_size(form.is_complex, &descriptors, parts.body.len())
            }
        };
        (self.fit(size, form.as_ref()) == Fit::Stays).then_some(size)
    }

    /// What becomes of a message of this size and form.
    fn fit(&self, size: u64, form: Option<&Form>) -> Fit {
        let aux = form.and_then(|form| form.aux);
        let aux = aux.map_or(0, |bytes| u32::from(bytes) + AUX_HEADER_BYTES);
        let room = if aux_fits(aux, self.aux) { self.bytes } else { 0 };
        fit(size, self.options, room)
    }
}

/// Tells of a message that stays where it is (V4).
fn stays(place: &mut Place<'_>, call: &Call, received: &Received, size: u64) -> Code {
    let mut fields = [0; 16];
    let room = place.room(call.receive_size).min(fields.len());
    tell_size(u32::try_from(size).unwrap_or(u32::MAX), received.port, call.options, &mut fields[..room]);
    if room >= 8 {
        place.write(4, &fields[4..8]);
    }
    if room >= 16 && call.options.contains(Options::RCV_LARGE_IDENTITY) {
        place.write(12, &fields[12..16]);
    }
    Code::RCV_TOO_LARGE
}

/// Takes the next message of a port, or of a set (V1, V2).
fn take(task: &Task, call: &Call, into: &mut Received) -> Result<(), Code> {
    let (name, until) = (call.receive_name, deadline(call, Options::RCV_TIMEOUT));
    let _interruptible = call.options.contains(Options::RCV_INTERRUPT).then(EndsAtSignals::begin);
    let taken = task.with_receive_right(name, |right| right.receive_deadline(into, until));
    let taken = taken.or_else(|_| task.with_port_set(name, |set| set.receive_deadline(into, until)));
    taken.map_err(|_| Code::RCV_INVALID_NAME)?.map_err(|error| match error {
        ReceiveError::TimedOut => Code::RCV_TIMED_OUT,
        ReceiveError::Interrupted => Code::RCV_INTERRUPTED,
        ReceiveError::PortDied | ReceiveError::PortChanged => Code::RCV_PORT_CHANGED,
        ReceiveError::InSet => Code::RCV_IN_SET,
        ReceiveError::Forked => Code::RCV_INVALID_NAME,
    })
}

/// Gives the message to the caller, or what is left of it.
fn deliver(
    task: &Task,
    place: &mut Place<'_>,
    call: &Call,
    (room, aux): (&Room, Option<&mut (Place<'_>, u32)>),
    received: &mut Received,
) -> Code {
    let body = std::mem::take(&mut received.body);
    let rights = std::mem::take(&mut received.rights);
    let opened = Opened::new(received.besides.form.as_ref(), &body, &rights);
    let size = message_size(opened.is_complex, &opened.descriptors, opened.parts.body.len());
    let code = match room.fit(size, received.besides.form.as_ref()) {
        Fit::Whole => {
            let code = hand_over(task, place, call, received, &opened, rights);
            let is_there = matches!(code.plain(), Code::SUCCESS | Code::RCV_BODY_ERROR);
            let aux = aux.filter(|_| is_there);
            let is_written = aux.is_none_or(|(place, size)| hand_over_aux(place, *size, &opened));
            if is_written { code } else { Code::RCV_INVALID_DATA }
        }
        // Nor does it come here with `RCV_LARGE`.
        Fit::Stays | Fit::Destroyed => {
            let remains = remains(received, &opened, 0);
            drop(rights);
            leave(place, call, &remains, Code::RCV_TOO_LARGE)
        }
    };
    received.body = body;
    code
}

/// The message as a whole: names for its rights, and memory (V5 to V7, V10, V11).
fn hand_over(
    task: &Task,
    place: &mut Place<'_>,
    call: &Call,
    received: &mut Received,
    opened: &Opened<'_>,
    rights: Vec<Right>,
) -> Code {
    let context = context(task, received, call.options);
    let (remains, mut rights) = (remains(received, opened, context), rights.into_iter());
    let (mut reply, mut reply_type, special) = opened.give_reply(task, received.reply.take(), &mut rights);
    if special != Special::NONE {
        // No name for the reply: nobody could answer, so nothing is delivered.
        drop(rights);
        return leave(place, call, &remains, Code::RCV_HEADER_ERROR.with(special));
    }
    if received.besides.reply_is_dead {
        (reply, reply_type) = (RawName::DEAD, Some(PortType::SendOnce));
    }
    let guarding = Guarding::of(call.options, place.reach(task).at);
    let placed = opened.place(task, rights, (guarding, false));
    let arrival = Arrival {
        id: received.id,
        port: port(task, received),
        port_type: port_type(received),
        reply,
        reply_type,
        voucher: Voucher { name: RawName(opened.voucher), disposition: None },
        content: opened.content(&placed),
        trailer: Trailer { context, ..trailer(received) },
    };
    let mut bytes = vec![0; buffer_size(arrival.content.size(), call.options) as usize];
    let written = arrival.deliver(call.options, &mut bytes, place.reach(task).at).unwrap_or(0);
    if !place.write(0, &bytes[..written]) {
        return Code::RCV_INVALID_DATA;
    }
    if placed.special == Special::NONE { Code::SUCCESS } else { Code::RCV_BODY_ERROR.with(placed.special) }
}

/// Auxiliary data into its buffer, which has room for it (X4). Says whether that could be written.
fn hand_over_aux(place: &mut Place<'_>, size: u32, opened: &Opened<'_>) -> bool {
    let mut bytes = vec![0; place.room(size).min(AUX_MAX as usize)];
    let written = deliver_aux(opened.parts.aux, &mut bytes).unwrap_or(0);
    place.write(0, &bytes[..written])
}

/// What is left of a message that was destroyed (V3).
fn leave(place: &mut Place<'_>, call: &Call, remains: &Remains, code: Code) -> Code {
    let mut bytes = vec![0; place.room(call.receive_size).min(128)];
    match remains.deliver(call.options, &mut bytes) {
        Ok(written) if place.write(0, &bytes[..written]) => code,
        Ok(_) => Code::RCV_INVALID_DATA,
        Err(failure) => failure.code(),
    }
}

fn remains(received: &Received, opened: &Opened<'_>, context: u64) -> Remains {
    let (reply, reply_type) = match (&received.reply, opened.reply) {
        _ if received.besides.reply_is_dead => (RawName::DEAD, Some(PortType::SendOnce)),
        (Some(_), _) => (RawName(1), Some(PortType::SendOnce)), // a right, which is gone
        (None, Reply::Once) => (RawName::NULL, None),
        (None, Reply::Right) => (RawName(1), Some(PortType::Send)),
        (None, Reply::Null(kind)) => (RawName::NULL, Some(kind)),
        (None, Reply::Dead(kind)) => (RawName::DEAD, Some(kind)),
    };
    Remains {
        id: received.id,
        is_complex: opened.is_complex,
        port: received.port,
        port_type: port_type(received),
        reply,
        reply_type,
        voucher: Voucher { name: RawName(opened.voucher), disposition: None },
        seqno: received.seqno,
        context,
    }
}

fn port_type(received: &Received) -> PortType {
    if received.besides.by_once { PortType::SendOnce } else { PortType::Send }
}

/// The receiver's name for the port; DEAD if it has died meanwhile (V6).
fn port(task: &Task, received: &Received) -> RawName {
    let row = received.port().and_then(|name| task.inner.reader.lookup(name));
    let is_here = row.is_some_and(|row| row.type_bits.contains(TypeBits::RECEIVE));
    if is_here { received.port } else { RawName::DEAD }
}

/// The port's context, if it is asked for.
fn context(task: &Task, received: &Received, options: Options) -> u64 {
    if options.trailer_size() <= WITHOUT_CONTEXT {
        return 0;
    }
    let names = task.inner.names.lock();
    names.receive(received.port).map_or(0, |receive| names.ports.context(receive.handle as u32).value)
}

/// Who sent it, as the link attests: user and group, and in the audit token the process.
fn trailer(received: &Received) -> Trailer {
    let Identity { pid, uid, gid } = received.sender;
    if received.sender == Identity::KERNEL {
        return Trailer::kernel(received.seqno, 0);
    }
    Trailer {
        seqno: received.seqno,
        sender: SecurityToken { uid, gid },
        audit: AuditToken([uid, uid, gid, uid, gid, pid, 0, 0]),
        context: 0,
    }
}
