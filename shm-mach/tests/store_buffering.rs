//! The litmus test of the gate between two real processes: both store, then both load the other's
//! word. With the heavy fence on one side it never happens that both read the old value; without, a
//! machine with store buffers shows that it does.

mod common;

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use common::raw;
use common::watchdog::Watchdog;
use common::{inherited, role, sockets, spawn};
use futex::Gate;
use futex::sync::{AtomicU32, AtomicU64, Ordering::Relaxed};
use shm_mach::segment::{OwnSegment, PeerSegment, Shared};

/// Entries of the light side's log.
const LOG: usize = 1 << 18;
/// Bytes of a side: its word, on a page of its own, and the log.
const BYTES: usize = 4096 + LOG * size_of::<AtomicU64>();

/// What stands between the store and the load of the other side.
#[derive(Clone, Copy, Debug)]
enum Half {
    /// What the library does: `membarrier`, which also fences the light side where it runs.
    Heavy,
    /// A full fence of its own, which does nothing to the light side.
    Own,
    /// Nothing.
    None,
}

/// What one side writes. `x` counts its rounds; `log` holds, for each round of the light side, the
/// round in the high half and in the low half what it read of the other's `x`.
struct Side {
    x: Shared<AtomicU32>,
    log: Shared<[AtomicU64]>,
}

/// Both: the own one, and the peer's.
fn sides(socket: &OwnedFd) -> (Side, Side) {
    let own = OwnSegment::create(BYTES).unwrap();
    let memory = own.memory();
    raw::send(socket, b"side", &[own.into_read_only().as_fd()]);
    let fd = raw::receive(socket, &mut [0; 4]).1.pop().unwrap();
    let peer = PeerSegment::adopt(&fd, BYTES, BYTES).unwrap();
    let own = Side { x: memory.view(0), log: memory.slice(4096, LOG) };
    (own, Side { x: peer.view(0).unwrap(), log: peer.slice(4096, LOG).unwrap() })
}

/// The light side runs freely: store, light fence, load, and a note of what it read.
fn light(own: &Side, peer: &Side) {
    for round in 1u32.. {
        own.x.store(round, Relaxed);
        Gate::Asymmetric.light();
        let read = peer.x.load(Relaxed);
        own.log[round as usize % LOG].store(u64::from(round) << 32 | u64::from(read), Relaxed);
    }
}

/// Rounds that prove something.
const ROUNDS: u32 = 20_000;

/// The other side, for so many rounds that could be checked, or until its time is up: it stores its own round, and reads
/// that of the light side. The light side's *next* round has stored too late to be read, so it must
/// itself have read the round stored here. Says in how many rounds, and in how many it had not.
fn heavy(own: &Side, peer: &Side, half: Half, time: Duration) -> (u32, u32) {
    let until = Instant::now() + time;
    let (mut checked, mut neither) = (0, 0);
    for round in own.x.load(Relaxed) + 1.. {
        own.x.store(round, Relaxed);
        match half {
            Half::Heavy => Gate::Asymmetric.heavy().unwrap(),
            Half::Own => Gate::Symmetric.heavy().unwrap(),
            Half::None => Gate::Asymmetric.light(),
        }
        let next = peer.x.load(Relaxed) + 1;
        let noted = loop {
            let entry = peer.log[next as usize % LOG].load(Relaxed);
            if (entry >> 32) as u32 >= next {
                break entry;
            }
            std::hint::spin_loop();
        };
        if (noted >> 32) as u32 == next {
            checked += 1;
            neither += u32::from((noted as u32) < round);
        }
        if checked >= ROUNDS || (round.is_multiple_of(256) && Instant::now() > until) {
            break;
        }
    }
    (checked, neither)
}

/// Fails if the heavy fence does not reach the other process: for instance if that is not registered.
#[test]
fn the_heavy_fence_reaches_the_other_process() {
    const NAME: &str = "the_heavy_fence_reaches_the_other_process";
    if Gate::register() != Gate::Asymmetric {
        println!("SKIPPED: this kernel has no membarrier");
        return;
    }
    if role().is_some() {
        let (own, peer) = sides(&inherited());
        return light(&own, &peer);
    }
    let _watchdog = Watchdog::start(NAME, 120);
    let (ours, theirs) = sockets();
    let _child = spawn(NAME, "light", theirs);
    let (own, peer) = sides(&ours);
    let (fenced, wrong) = heavy(&own, &peer, Half::Heavy, Duration::from_secs(90));
    println!("with the heavy fence: {wrong} of {fenced} rounds in which neither saw the other");
    for half in [Half::Own, Half::None] {
        let (rounds, anomalies) = heavy(&own, &peer, half, Duration::from_secs(2));
        println!("with {half:?}: {anomalies} of {rounds}");
        if anomalies == 0 {
            println!("this machine does not show it now (one core, or no store buffer)");
        }
    }
    assert_eq!(wrong, 0);
    assert_eq!(fenced, ROUNDS, "too few rounds: no proof");
}
