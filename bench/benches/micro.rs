//! What single steps cost inside one process, watched from change to change.
//!
//! ```text
//! cargo bench -p bench                                  every benchmark, against its last run
//! cargo bench -p bench -- --save-baseline before        keep the numbers of this run
//! cargo bench -p bench -- --baseline before lane        compare with them what has `lane` in its name
//! ```
//!
//! These are no figures of the transport: one thread does both halves of everything, so no cache line
//! ever moves. They tell whether a change made a step dearer. What two processes see is measured by the
//! program `bench`.
#![allow(missing_docs, reason = "criterion's macros make the entry point")]

use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_queue::{ArrayQueue, SegQueue};
use futex::Gate;
use shm_mach::ipc::{Effects, Line, NameTable, New, Place, PortId, RawName, ReceiverId, Space};
use shm_mach::ring::heap::Heap;
use shm_mach::ring::lane_in::{InWords, LaneIn};
use shm_mach::ring::lane_out::{LaneOut, OutWords};
use shm_mach::ring::layout::{Bell, Cursor, Entry, Flags, Slot};
use shm_mach::ring::payload::Area;
use shm_mach::ring::slot::{Head, RIGHT_BYTES, Token, seq};
use shm_mach::segment::Shared;
use shm_mach::wire::event::{Attested, Event};
use shm_mach::wire::record::Record;
use shm_mach::wire::request::{PortRef, Request};

const PORT: PortRef = PortRef { port: 3, epoch: 1, key: 0x1234_5678_9abc_def0, limit: 256 };

/// A task's names: make a port and destroy it, beside many others; find a name among them.
fn names(criterion: &mut Criterion) {
    const NAMES: u32 = 4096;
    let lines: Vec<Line> = (0..2 * NAMES).map(|_| Line::default()).collect();
    let table = NameTable::new(Shared::heap_slice(lines.into_boxed_slice()));
    let mut space = Space::new(ReceiverId(1), table, 7);
    let mut effects = Effects::new();
    let mut index = 0;
    let mut port = || {
        index += 1;
        New::Receive {
            port: PortId { birth: 1, index, generation: 1, secret: 5 },
            place: Place::NOWHERE,
            handle: 0,
        }
    };
    let kept: Vec<_> = (0..NAMES).map(|_| space.allocate(port()).expect("there is room")).collect();

    let mut group = criterion.benchmark_group("names");
    group.bench_function("create_destroy", |bencher| {
        bencher.iter(|| {
            let name = space.allocate(port()).expect("there is room");
            space.destroy(RawName::from(name), &mut effects).expect("it was just made");
            effects.clear();
        });
    });
    let reader = space.reader();
    let mut at = 0;
    group.bench_function("look_up", |bencher| {
        bencher.iter(|| {
            at = (at + 61) % kept.len();
            black_box(reader.lookup(kept[at])).expect("it is there")
        });
    });
    group.finish();
}

/// Bytes of what tasks and their authority say, and of what lies in lanes.
fn codecs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    let request = Request::Grant { receiver: 1, port: PORT, to: 2 };
    group.bench_function("request", |bencher| {
        bencher.iter(|| Request::decode(black_box(&black_box(&request).encode(9))).expect("honest"));
    });
    let who = Attested { pid: 1, uid: 2, gid: 3, started: 4 };
    let event = Event::Granted { port: PORT, by: 1, to: 2, who, moved: false };
    group.bench_function("event", |bencher| {
        bencher.iter(|| Event::decode(black_box(&black_box(&event).encode())).expect("honest"));
    });
    let record = Record::Granted { receiver: 1, port: PORT };
    group.bench_function("right", |bencher| {
        bencher.iter(|| Record::decode(black_box(&black_box(&record).encode())).expect("honest"));
    });
    let head = Head { reply: Some(Token { slot: 3, generation: 9 }), ..Head::message(100, 24) };
    group.bench_function("slot", |bencher| {
        bencher
            .iter(|| Head::decode(black_box(black_box(&head).encode(seq(77))), || [0; 2]).expect("honest"));
    });
    group.finish();
}

/// Both ends of a lane of 256 slots on the heap, with one payload area.
fn lane() -> (LaneOut, LaneIn) {
    const SLOTS: usize = 256;
    let slots = Shared::heap_slice((0..SLOTS).map(|_| Slot::default()).collect());
    let payload: Shared<[AtomicU64]> =
        Shared::heap_slice((0..(64 << 10) / 8).map(|_| AtomicU64::new(0)).collect());
    let (entry, flags) = (Shared::heap(Entry::default()), Shared::heap(Flags::default()));
    let cursor = Shared::heap(Cursor::default());
    let out = OutWords {
        entry: entry.clone(),
        slots: slots.clone(),
        bells: Shared::heap_slice(Box::new([Bell::default()])),
        flags: flags.clone(),
        cursor: cursor.clone(),
    };
    let words = InWords { entry, slots, payload: payload.clone(), flags, cursor };
    let gate = Gate::register();
    let mut sender = LaneOut::open(out, gate, 1, 0, 128);
    sender.set_area(Area::new(payload, 0, 0, SLOTS));
    (sender, LaneIn::adopt(words, gate, 1, 0, 128))
}

/// One message through a lane, and one number through the queues that threads of a process use.
fn queues(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    for bytes in [8, 32, 1024] {
        let (mut sender, mut receiver) = lane();
        let body = vec![0x5a; bytes];
        let (mut rights, mut copy) = (Vec::new(), Vec::new());
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("lane_{bytes}"), |bencher| {
            bencher.iter(|| {
                sender.push(Head::message(1, bytes), [&[], black_box(&body)]).expect("there is room");
                let head = receiver.peek().expect("honest").expect("it was just sent");
                copy.clear();
                receiver.copy(&head, &mut rights, &mut copy).expect("honest");
                receiver.advance(&head);
                black_box(&copy);
            });
        });
    }
    group.throughput(Throughput::Bytes(8));
    let (mut producer, mut consumer) = rtrb::RingBuffer::<u64>::new(256);
    group.bench_function("rtrb_8", |bencher| {
        bencher.iter(|| {
            producer.push(black_box(7)).expect("there is room");
            consumer.pop().expect("it was just pushed")
        });
    });
    let array = ArrayQueue::<u64>::new(256);
    group.bench_function("array_queue_8", |bencher| {
        bencher.iter(|| {
            array.push(black_box(7)).expect("there is room");
            array.pop().expect("it was just pushed")
        });
    });
    let seg = SegQueue::<u64>::new();
    group.bench_function("seg_queue_8", |bencher| {
        bencher.iter(|| {
            seg.push(black_box(7));
            seg.pop().expect("it was just pushed")
        });
    });
    group.finish();
}

/// Room for long answers: each is read before the 64th after it is written.
fn heap(criterion: &mut Criterion) {
    const AREA: usize = 256 << 10;
    let words = Shared::heap_slice((0..AREA / 8).map(|_| AtomicU64::new(0)).collect());
    let mut heap = Heap::default();
    heap.grow(0, words);
    let (body, mut generation) = ([0x5a; 1000], 0u32);
    let record = [0; RIGHT_BYTES];
    criterion.bench_function("heap/answer_1000", |bencher| {
        bencher.iter(|| {
            generation += 1;
            let is_read = |token: Token| token.generation + 64 < generation;
            heap.write([&record, black_box(&body)], Token { slot: 0, generation }, is_read)
                .expect("there is room")
        });
    });
}

criterion_group! {
    name = micro;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(40);
    targets = names, codecs, queues, heap
}
criterion_main!(micro);
