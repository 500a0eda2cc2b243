//! The data path makes no system call: the kernel itself is the judge.

mod common;

use common::sys::{self, Verdict};
use common::watchdog::Watchdog;
use common::{inherited, role, sockets, spawn};
use shm_mach::{Joined, Message, Options, Received, Wait, join};

/// Messages in one direction before it turns round: less than the queue holds, so that nobody ever
/// waits for room.
const BATCH: usize = 1000;
const BATCHES: usize = 500;

fn options() -> Options {
    Options::default().queue_limit(BATCH as u32)
}

/// Sends a batch, or receives one; checked.
fn send_batch(joined: &Joined, batch: usize) {
    for n in 0..BATCH {
        let id = (batch * BATCH + n) as i32;
        joined.send.send(Message::new(id, &[n as u8; 64][..n % 64])).unwrap();
    }
}

fn receive_batch(joined: &Joined, batch: usize, message: &mut Received) {
    for n in 0..BATCH {
        joined.receive.receive(message).unwrap();
        if message.id() != (batch * BATCH + n) as i32 || message.body().len() != n % 64 {
            std::process::abort(); // a panic would print, and that is a system call
        }
    }
}

fn in_child() {
    let joined = join(inherited(), &options()).unwrap();
    joined.send.set_wait(Wait::Spin);
    joined.receive.set_wait(Wait::Spin);
    let mut message = Received::new();
    let exchange = |batches: std::ops::Range<usize>, message: &mut Received| {
        for batch in batches {
            send_batch(&joined, batch);
            receive_batch(&joined, batch, message);
        }
    };
    exchange(0..3, &mut message); // opens the lane, takes the area, allocates
    sys::allow_only(&[libc::SYS_exit_group], Verdict::Kill);
    exchange(3..BATCHES + 3, &mut message);
    sys::exit_now(7);
}

/// A million messages, half of them sent and half received, inline and longer bodies, under a filter that
/// kills at the first system call (clock_gettime is none: it is read in user space). Fails if a send
/// or a receive calls the kernel while its peer is awake.
#[test]
fn a_million_messages_without_a_system_call() {
    const NAME: &str = "a_million_messages_without_a_system_call";
    if role().is_some() {
        return in_child();
    }
    let _watchdog = Watchdog::start(NAME, 100);
    let (ours, theirs) = sockets();
    let mut peer = spawn(NAME, "filtered", theirs);
    let joined = join(ours, &options()).unwrap();
    joined.send.set_wait(Wait::Spin);
    joined.receive.set_wait(Wait::Spin);
    let mut message = Received::new();
    for batch in 0..BATCHES + 3 {
        let soon = shm_mach::Deadline::after(std::time::Duration::from_secs(5));
        joined.receive.receive_deadline(&mut message, soon).expect("the filter killed the peer");
        let first = message.id() as usize;
        assert_eq!(first, batch * BATCH);
        for n in 1..BATCH {
            joined.receive.receive(&mut message).unwrap();
            assert_eq!(message.id() as usize, first + n, "{:?}", message.notification());
        }
        send_batch(&joined, batch);
    }
    let status = peer.0.wait().unwrap();
    assert_eq!(status.code(), Some(7), "{status}");
    println!("{} messages each way", BATCH * BATCHES);
}

/// The same for a sender that finds the queue full again and again, each time for much longer than a
/// spin is budgeted, and for longer than a tick in all.
#[test]
fn a_spinning_sender_waits_for_room_without_a_system_call() {
    const NAME: &str = "a_spinning_sender_waits_for_room_without_a_system_call";
    const PAUSES: usize = 12;
    if role().is_some() {
        let joined = join(inherited(), &options()).unwrap();
        joined.send.set_wait(Wait::Spin);
        let send = |n: usize| joined.send.send(Message::new(n as i32, b"")).unwrap();
        send(0); // opens the lane
        sys::allow_only(&[libc::SYS_exit_group], Verdict::Kill);
        (1..PAUSES * BATCH).for_each(send);
        sys::exit_now(7);
    }
    let _watchdog = Watchdog::start(NAME, 100);
    let (ours, theirs) = sockets();
    let mut peer = spawn(NAME, "filtered", theirs);
    let joined = join(ours, &options()).unwrap();
    joined.receive.set_wait(Wait::Spin); // who sleeps is woken
    let mut message = Received::new();
    for n in 0..PAUSES * BATCH {
        let soon = shm_mach::Deadline::after(std::time::Duration::from_secs(5));
        joined.receive.receive_deadline(&mut message, soon).expect("the filter killed the peer");
        assert_eq!(message.id() as usize, n);
        if n % BATCH == BATCH / 2 {
            std::thread::sleep(std::time::Duration::from_millis(120));
        }
    }
    assert_eq!(peer.0.wait().unwrap().code(), Some(7));
}

/// The filter does kill: else the test above would prove nothing.
#[test]
fn the_filter_kills() {
    const NAME: &str = "the_filter_kills";
    if role().is_some() {
        let joined = join(inherited(), &options()).unwrap();
        sys::allow_only(&[libc::SYS_exit_group], Verdict::Kill);
        joined.receive.set_wait(Wait::Park);
        let _ = joined.receive.receive(&mut Received::new());
        sys::exit_now(7);
    }
    let (ours, theirs) = sockets();
    let mut peer = spawn(NAME, "filtered", theirs);
    let _joined = join(ours, &options()).unwrap();
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(peer.0.wait().unwrap().signal(), Some(libc::SIGSYS), "sleeping is a system call");
}
