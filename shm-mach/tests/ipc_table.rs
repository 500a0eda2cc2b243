//! Readers of the name table, against a writer that never stops.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use shm_mach::ipc::{
    Effects, Line, Miss, NameTable, Place, PortId, PortName, RawName, ReceiverId, Row, Space, TypeBits,
};
use shm_mach::segment::Shared;

/// How many rows a reader checks.
const ROWS: u32 = 200_000;
/// How long it tries.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// Looks again and again, until enough rows were seen or a slow machine has had its time; then the
/// writer may stop. Says how many rows were seen.
fn look_on(done: &AtomicBool, look: impl Fn() -> Option<Row>, check: impl Fn(Row)) -> u32 {
    let (begin, mut seen) = (Instant::now(), 0);
    let writer_may_stop = StopWriter(done);
    while seen < ROWS && begin.elapsed() < PATIENCE {
        if let Some(row) = look() {
            check(row);
            seen += 1;
        }
    }
    drop(writer_may_stop);
    seen
}

/// Lets the writer stop, also when the reader panics.
struct StopWriter<'a>(&'a AtomicBool);

impl Drop for StopWriter<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_reader_never_sees_a_torn_line() {
    let mut table = table(2);
    let reader = table.reader();
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let done = &done;
        let check = |seen: Row| assert_eq!(seen, row(seen.name, seen.urefs));
        let reading = scope.spawn(move || look_on(done, || reader.at(1).ok().flatten(), check));
        let mut number = 0_u32;
        while !done.load(Ordering::Relaxed) {
            let name = PortName::new(0x103 | (number / 3 % 64) << 2).unwrap();
            table.write(&row(name, number));
            if number % 3 == 2 {
                table.clear(1);
            }
            number = number.wrapping_add(1);
        }
        reading.join().unwrap()
    });
    assert!(seen > 0, "the reader saw something");
}

#[test]
fn a_reader_of_a_living_space_sees_only_what_was_there() {
    let mut space = Space::new(ReceiverId(1), table(4), 3);
    let reader = space.reader();
    let (done, newest) = (AtomicBool::new(false), AtomicU32::new(0));
    let seen = std::thread::scope(|scope| {
        let (done, newest) = (&done, &newest);
        let look = move || {
            let name = PortName::new(newest.load(Ordering::Acquire))?;
            let row = reader.lookup(name)?;
            assert_eq!((row.name, row.type_bits), (name, TypeBits::SEND));
            Some(row)
        };
        let check = |row: Row| {
            let birth = row.port.birth;
            assert_eq!((row.receiver, row.port.secret), (ReceiverId(birth + 2), !birth));
            assert!(row.place == place(birth) || row.place == Place::NOWHERE, "{row:?}");
        };
        let reading = scope.spawn(move || look_on(done, look, check));
        let (mut effects, mut birth) = (Effects::new(), 0);
        while !done.load(Ordering::Relaxed) {
            birth += 1;
            let port = PortId { birth, index: 1, generation: 1, secret: !birth };
            let name = space.insert_send(port, ReceiverId(birth + 2), &mut effects).unwrap();
            newest.store(name.get(), Ordering::Release);
            space.set_place(RawName::from(name), place(birth)).unwrap();
            space.deallocate(RawName::from(name), &mut effects).unwrap();
            effects.clear();
        }
        reading.join().unwrap()
    });
    assert!(seen > 0, "the reader saw something");
}

fn place(birth: u64) -> Place {
    Place { segment: birth as u32, generation: 1, offset: birth * 64 }
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
