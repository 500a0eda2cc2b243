//! What a table says under one name, in words. All of it is the word of the task that wrote it.

use shm_mach::TypeBits;
use shm_mach::ipc::Row;

const REQUESTS: [(TypeBits, &str); 3] = [
    (TypeBits::DNREQUEST, "dead-name"),
    (TypeBits::SPREQUEST, "send-possible"),
    (TypeBits::SPREQUEST_DELAYED, "send-possible-armed"),
];
const RIGHTS: [(TypeBits, &str); 5] = [
    (TypeBits::RECEIVE, "recv"),
    (TypeBits::SEND, "send"),
    (TypeBits::SEND_ONCE, "once"),
    (TypeBits::PORT_SET, "set"),
    (TypeBits::DEAD_NAME, "dead"),
];

/// Which rights a name stands for.
pub(crate) fn rights(bits: TypeBits) -> impl Iterator<Item = &'static str> {
    named(&RIGHTS, bits)
}

/// Who asked to hear of what.
pub(crate) fn requests(bits: TypeBits) -> impl Iterator<Item = &'static str> {
    named(&REQUESTS, bits)
}

fn named(all: &'static [(TypeBits, &'static str)], bits: TypeBits) -> impl Iterator<Item = &'static str> {
    all.iter().filter(move |(bit, _)| bits.contains(*bit)).map(|(_, word)| *word)
}

/// The holder can send to the port, once or often.
pub(crate) fn can_send(bits: TypeBits) -> bool {
    bits.contains(TypeBits::SEND) || bits.contains(TypeBits::SEND_ONCE)
}

/// It leads to a port: it is neither a set nor a dead name.
pub(crate) fn leads(bits: TypeBits) -> bool {
    can_send(bits) || bits.contains(TypeBits::RECEIVE)
}

/// Whether a library could have written this into the table of the task `owner`.
pub(crate) fn is_possible(row: &Row, owner: u64) -> bool {
    let kinds = REQUESTS.iter().fold(row.type_bits, |bits, (bit, _)| bits.without(*bit));
    let alone = [TypeBits::SEND, TypeBits::RECEIVE, TypeBits::SEND_RECEIVE, TypeBits::SEND_ONCE];
    let known = alone.contains(&kinds) || kinds == TypeBits::PORT_SET || kinds == TypeBits::DEAD_NAME;
    let is_own = !kinds.contains(TypeBits::RECEIVE) || row.receiver.0 == owner;
    known && is_own && row.urefs <= u32::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shm_mach::PortName;
    use shm_mach::ipc::{Place, PortId, ReceiverId};

    fn row(bits: u32, urefs: u32, receiver: u64) -> Row {
        let (name, place) = (PortName::new(0x103).unwrap(), Place::NOWHERE);
        let (type_bits, receiver) = (TypeBits::from_bits(bits), ReceiverId(receiver));
        Row { name, type_bits, urefs, port: PortId::default(), receiver, place }
    }

    #[test]
    fn what_no_library_writes_is_told_from_what_it_does() {
        let good =
            [(0x10000, 1, 2), (0x30000, 65_535, 1), (0x8010_0000, 1, 0), (0x80000, 0, 0), (0x20000, 0, 1)];
        for (bits, urefs, receiver) in good {
            assert!(is_possible(&row(bits, urefs, receiver), 1), "{bits:#x}");
        }
        let bad =
            [(0, 1, 1), (0x10001, 1, 1), (0x50000, 1, 1), (0x10000, 65_536, 1), (0x20000, 0, 2), (!0, 1, 1)];
        for (bits, urefs, receiver) in bad {
            assert!(!is_possible(&row(bits, urefs, receiver), 1), "{bits:#x}");
        }
    }

    #[test]
    fn bits_have_words() {
        let bits = TypeBits::SEND_RECEIVE | TypeBits::DNREQUEST | TypeBits::from_bits(1);
        assert_eq!(rights(bits).collect::<Vec<_>>(), ["recv", "send"]);
        assert_eq!(requests(bits).collect::<Vec<_>>(), ["dead-name"]);
    }
}
