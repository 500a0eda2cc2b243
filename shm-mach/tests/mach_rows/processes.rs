//! Messages in Mach's form between real processes.

use super::*;
use common::meet::park;
use common::{inherited, role, spawn};

/// A child's task, and the name of its right to its parent's port.
fn child() -> (Task, u32) {
    let (task, special) = Task::attach_to(inherited(), &shm_mach::Options::default()).unwrap();
    (task, special.unwrap().into_name().get())
}

fn parent(test: &str, role: &str) -> (Task, u32, common::Peer) {
    let task = alone();
    let port = task.allocate().unwrap();
    let peer = spawn(test, role, task.prepare_child(&port).unwrap());
    (task, port.into_name().get(), peer)
}

/// A server that knows names alone, and a client: requests with memory and rights, answered.
#[test]
fn a_server_answers_by_names_alone() {
    const TEST: &str = "processes::a_server_answers_by_names_alone";
    let _watchdog = common::watchdog::Watchdog::start(TEST, 120);
    if role().is_some() {
        let (task, to) = child();
        let own = port(&task);
        for round in 0..200 {
            let data = vec![round as u8; 1 + 300 * round as usize];
            let at = data.as_ptr().addr() as u64;
            let header = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), to, own, round).complex(2);
            let mut message =
                header.memory(at, data.len() as u32, 0, 1).port(own, MAKE_SEND).raw(b"request.");
            assert_eq!(message.send(&task), Code::SUCCESS);
            let answer = receive(&task, own);
            assert_eq!((answer.id(), answer.word(24)), (round + 100, data.len() as u32));
            let extra = receive(&task, own);
            assert_eq!((extra.id(), extra.bits()), (round, 17 << 8));
        }
        return;
    }
    let (task, port, peer) = parent(TEST, "client");
    let sender = peer.pid().as_raw_nonzero().get() as u32;
    for round in 0..200 {
        let got = receive_with(&task, port, Options::NONE.with_trailer(3), 4096, SOON);
        assert_eq!((got.code, got.id(), got.bits()), (Code::SUCCESS, round, COMPLEX | 18 | 17 << 8));
        let (at, size, right) = (got.long(28), got.word(40) as usize, got.word(44));
        assert!(memory_at(at, size).iter().all(|byte| *byte == round as u8));
        assert_eq!(got.trailer()[40..44], sender.to_le_bytes(), "the process, as the kernel attests");
        let mut answer = Bytes::header((MOVE_SEND_ONCE, 0), got.remote(), NULL, round + 100);
        answer = answer.word(size as u32);
        assert_eq!(answer.send(&task), Code::SUCCESS);
        // The memory goes back with the next message that says so; the right is used up.
        let mut extra =
            Bytes::header((MOVE_SEND, 0), right, NULL, round).complex(1).memory(at, size as u32, 1, 1);
        extra.0[3] |= 0x80;
        assert_eq!(Bytes::header((MOVE_SEND, 0), right, NULL, round).send(&task), Code::SUCCESS);
        assert_eq!(kind(&task, right), None);
        common::sys::unmap(at, size);
    }
    peer.finish();
    assert_eq!(task.names().unwrap().len(), 1, "nothing is left but the port");
}

/// A client is killed while its messages are queued: they arrive, and then its rights are gone.
#[test]
fn what_a_killed_client_has_sent_arrives() {
    const TEST: &str = "processes::what_a_killed_client_has_sent_arrives";
    let _watchdog = common::watchdog::Watchdog::start(TEST, 120);
    if role().is_some() {
        let (task, to) = child();
        let own = port(&task);
        for round in 0..20 {
            let header = Bytes::header((COPY_SEND, MAKE_SEND), to, own, round).complex(1);
            assert_eq!(header.port(own, MAKE_SEND_ONCE).raw(&[9; 64]).send(&task), Code::SUCCESS);
        }
        assert_eq!(Bytes::to(to, 99).send(&task), Code::SUCCESS);
        park();
    }
    let (task, port, mut peer) = parent(TEST, "client");
    assert_eq!(receive(&task, port).id(), 0);
    let mut queued = 1;
    peer.kill();
    task.with_receive_right(raw(port), |port| port.request_no_senders(0, port)).unwrap();
    loop {
        let got = receive(&task, port);
        if got.id() == 70 {
            break;
        }
        queued += 1;
        if got.id() != 99 {
            assert_eq!(got.from(28 + 12), [9; 64]);
        }
    }
    assert!(queued <= 21, "{queued}");
    for (name, bits) in task.names().unwrap() {
        assert!(name.get() == port || bits.contains(TypeBits::DEAD_NAME), "{name} {bits:?}");
    }
}

/// No memory for what arrives: the message is delivered without it, and names in an array are given up.
#[test]
fn v10_memory_that_cannot_be_mapped_is_told_beside_the_error() {
    const TEST: &str = "processes::v10_memory_that_cannot_be_mapped_is_told_beside_the_error";
    let _watchdog = common::watchdog::Watchdog::start(TEST, 120);
    if role().is_some() {
        let (task, to) = child();
        let own = port(&task);
        assert_eq!(Bytes::to(to, 1).complex(1).port(own, MAKE_SEND).send(&task), Code::SUCCESS);
        assert_eq!(receive(&task, own).id(), 1, "all is ready");
        common::sys::forbid(&[libc::SYS_mmap], common::sys::Verdict::Refuse);
        assert_eq!(Bytes::to(to, 2).send(&task), Code::SUCCESS);
        let got = receive_with(&task, own, Options::NONE, 400, SOON);
        assert_eq!(got.code, Code::RCV_BODY_ERROR.with(shm_mach::mach::Special::VM_SPACE));
        assert_eq!((got.long(28), got.word(40)), (0, 0), "no memory");
        assert_eq!((got.long(44), got.word(56)), (0, 2), "no array, of two names");
        assert_eq!(got.from(60), b"body");
        common::sys::exit_now(0);
    }
    let (task, port, peer) = parent(TEST, "refused");
    let to = receive(&task, port).word(28);
    assert_eq!(Bytes::to(to, 1).send(&task), Code::SUCCESS);
    assert_eq!(receive(&task, port).id(), 2);
    let (own, data) = (self::port(&task), [1; 100]);
    let names = [own, own].map(u32::to_le_bytes).concat();
    let at = |bytes: &[u8]| bytes.as_ptr().addr() as u64;
    let message = Bytes::to(to, 3).complex(2).memory(at(&data), 100, 0, 1);
    let mut message = message.ports(at(&names), 2, 0, MAKE_SEND_ONCE).raw(b"body");
    assert_eq!(message.send(&task), Code::SUCCESS);
    assert_eq!([receive(&task, own).id(), receive(&task, own).id()], [71, 71], "nobody was told their names");
    peer.finish();
}
