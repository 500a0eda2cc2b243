//! Readers of the name table, against a writer that never stops.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use shm_mach::ipc::{
    Effects, Line, Miss, NameReader, NameTable, Place, PortId, PortName, RawName, ReceiverId, Row, Space,
    TypeBits,
};
use shm_mach::segment::Shared;

const ROUNDS: u32 = 300_000;

fn table(lines: usize) -> NameTable {
    let lines: Vec<Line> = (0..lines).map(|_| Line::default()).collect();
    NameTable::new(Shared::heap_slice(lines.into_boxed_slice()))
}

/// A row in which every field follows from one number.
fn row(name: PortName, number: u32) -> Row {
    let wide = u64::from(number);
    Row {
        name,
        type_bits: TypeBits::from_bits(number ^ 1),
        urefs: number,
        port: PortId { birth: wide << 8, index: number ^ 2, generation: number ^ 3, secret: !wide },
        receiver: ReceiverId(wide * 3),
        place: Place { segment: number ^ 4, generation: number ^ 5, offset: wide << 32 | wide },
    }
}

/// Reads until the writer is done; says how many rows it saw.
fn read_on(reader: &NameReader, names: &[PortName], done: &AtomicBool, check: impl Fn(&Row)) -> u64 {
    let mut seen = 0;
    while !done.load(Ordering::Relaxed) {
        for name in names {
            match reader.try_lookup(*name) {
                Ok(row) => {
                    assert_eq!(row.name, *name);
                    check(&row);
                    seen += 1;
                }
                Err(Miss::Unknown | Miss::Busy) => {}
            }
        }
    }
    seen
}

#[test]
fn a_reader_never_sees_a_torn_line() {
    let mut table = table(2);
    let reader = table.reader();
    let names: Vec<PortName> = (0..4).map(|use_| PortName::new(0x103 + use_ * 4).unwrap()).collect();
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let (done, checked) = (&done, &names);
        let reading = scope.spawn(move || {
            read_on(&reader, checked, done, |seen| assert_eq!(*seen, row(seen.name, seen.urefs)))
        });
        for number in 0..ROUNDS {
            table.write(&row(names[(number / 3) as usize % names.len()], number));
            if number % 3 == 2 {
                table.clear(1);
            }
        }
        done.store(true, Ordering::Relaxed);
        reading.join().unwrap()
    });
    assert!(seen > 0, "the reader saw something");
}

#[test]
fn a_reader_of_a_living_space_sees_only_what_was_there() {
    let mut space = Space::new(ReceiverId(1), table(4), 3);
    let reader = space.reader();
    let (done, newest) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let (done, newest) = (&done, &newest);
        let reading = scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let Some(name) = PortName::new(newest.load(Ordering::Acquire)) else { continue };
                let Some(row) = reader.lookup(name) else { continue };
                let birth = row.port.birth;
                assert_eq!((row.name, row.type_bits), (name, TypeBits::SEND));
                assert_eq!((row.receiver, row.port.secret), (ReceiverId(birth + 2), !birth));
                let place = Place { segment: birth as u32, generation: 1, offset: birth * 64 };
                assert!(row.place == place || row.place == Place::NOWHERE, "{row:?}");
            }
        });
        let mut effects = Effects::new();
        for birth in 0..u64::from(ROUNDS) {
            let port = PortId { birth, index: 1, generation: 1, secret: !birth };
            let name = space.insert_send(port, ReceiverId(birth + 2), &mut effects).unwrap();
            newest.store(name.get(), Ordering::Release);
            let place = Place { segment: birth as u32, generation: 1, offset: birth * 64 };
            space.set_place(RawName::from(name), place).unwrap();
            space.deallocate(RawName::from(name), &mut effects).unwrap();
            effects.clear();
        }
        done.store(true, Ordering::Relaxed);
        reading.join().unwrap();
    });
}

#[test]
fn a_stale_or_forged_name_is_refused() {
    let mut table = table(4);
    let reader = table.reader();
    let name = PortName::new(0x207).unwrap();
    table.write(&row(name, 5));
    assert_eq!(reader.lookup(name), Some(row(name, 5)));
    for forged in [0x203, 0x20b, 0x107, 0x307, 0x407, 0xffff_ff07] {
        assert_eq!(reader.try_lookup(PortName::new(forged).unwrap()), Err(Miss::Unknown));
    }
    assert_eq!(reader.try_lookup(PortName::DEAD), Err(Miss::Unknown));
    table.clear(2);
    assert_eq!(reader.try_lookup(name), Err(Miss::Unknown));
    assert_eq!(reader.at(2), Ok(None));
    assert_eq!(reader.at(4), Ok(None));
}
