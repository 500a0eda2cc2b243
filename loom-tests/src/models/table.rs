//! The table of names that readers look at without a lock.

use futex::sync::Arc;
use shm_mach::ipc::{Line, Miss, NameTable, Place, PortId, PortName, ReceiverId, Row, TypeBits};
use shm_mach::segment::Shared;

use crate::explore::spawn;

/// A row all of whose fields say `value`.
fn row(value: u32) -> Row {
    let port = PortId { birth: value.into(), index: value, generation: value, secret: value.into() };
    let name = PortName::new(0x103).expect("a name");
    let place = Place { segment: value, generation: value, offset: value.into() };
    let type_bits = TypeBits::from_bits(value);
    Row { name, type_bits, urefs: value, port, receiver: ReceiverId(value.into()), place }
}

/// A row changes while it is read: what is read is all of the old row, or all of the new one.
pub fn in_one_piece() {
    let lines = Shared::heap_slice(Box::new([Line::default(), Line::default()]));
    let mut table = NameTable::new(lines);
    table.write(&row(1));
    let reader = Arc::new(table.reader());
    let writer = spawn(move || table.write(&row(2)));
    match reader.try_lookup(row(1).name) {
        Ok(found) => assert!(found == row(1) || found == row(2), "a torn row: {found:?}"),
        Err(miss) => assert_eq!(miss, Miss::Busy, "a row was lost"),
    }
    writer.join().unwrap();
    assert_eq!(reader.lookup(row(2).name), Some(row(2)));
}
