//! Ports for answers.

use shm_mach::{PortOptions, RawName};

use super::*;

/// A port for answers: only a header's reply makes a right of it.
fn reply_port(task: &Task) -> u32 {
    let options = PortOptions { flags: PortOptions::REPLY_PORT, ..PortOptions::default() };
    task.construct(&options, 0).unwrap().get()
}

#[test]
fn sd7_of_a_port_for_answers_nothing_is_made_but_a_reply() {
    let two = two();
    let own = reply_port(&two.one);
    for disposition in [MAKE_SEND, MOVE_SEND, COPY_SEND] {
        let mut message = Bytes::header((COPY_SEND, disposition), two.to, own, 1);
        assert_eq!(message.send(&two.one), Code::SEND_INVALID_REPLY);
    }
    for disposition in [MAKE_SEND, MAKE_SEND_ONCE, MOVE_RECEIVE] {
        let mut message = Bytes::to(two.to, 1).complex(1).port(own, disposition);
        assert_eq!(message.send(&two.one), Code::SEND_INVALID_RIGHT);
    }
    let mut message = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 1);
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    let got = receive(&two.other, two.port);
    let mut answer = Bytes::header((MOVE_SEND_ONCE, 0), got.remote(), NULL, 2);
    assert_eq!(answer.send(&two.other), Code::SUCCESS);
    assert_eq!(receive(&two.one, own).id(), 2);
}

#[test]
fn sd20_the_name_of_a_port_for_answers_comes_back() {
    let task = alone();
    let (to, own) = (port(&task), reply_port(&task));
    task.with_receive_right(raw(to), |port| port.set_queue_limit(0)).unwrap().unwrap();
    let before = task.names().unwrap().len();
    let mut message = Bytes::header((MAKE_SEND, MAKE_SEND_ONCE), to, own, 1);
    for _ in 0..3 {
        assert_eq!(message.send_with(&task, Options::SEND_TIMEOUT, 0), Code::SEND_TIMED_OUT);
        let back = Got { code: Code::SUCCESS, bytes: message.0.clone() };
        assert_eq!((back.local(), back.bits()), (own, MOVE_SEND | MAKE_SEND_ONCE << 8));
    }
    assert_eq!(task.names().unwrap().len(), before);
    is_empty(&task, own); // and nobody heard of the rights that were made meanwhile
    assert_eq!(task.with_receive_right(raw(own), |port| port.send_once_rights()).unwrap(), 0);
}

#[test]
fn tp10_each_call_makes_a_port_with_a_receive_right_alone() {
    let task = alone();
    let [one, two] = [task.mach_reply_port(), task.mach_reply_port()];
    assert!(one != two);
    assert_eq!([one, two].map(|port| task.right_type(port)), [Ok(TypeBits::RECEIVE); 2]);
    let (few, _) = Task::attach_to(
        Embedded::start().unwrap().connect().unwrap(),
        &shm_mach::Options::default().names(1),
    )
    .unwrap();
    assert!(few.mach_reply_port().is_valid());
    assert_eq!(few.mach_reply_port(), RawName::NULL, "no name is left");
}

#[test]
fn tp10_a_thread_has_a_port_of_its_own() {
    let (task, other) = (alone(), alone());
    let own = task.thread_reply_port();
    assert_eq!((task.thread_reply_port(), task.right_type(own)), (own, Ok(TypeBits::RECEIVE)));
    let of_other = other.thread_reply_port();
    assert_eq!(other.right_type(of_other), Ok(TypeBits::RECEIVE));
    let theirs = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| [task.thread_reply_port(), task.thread_reply_port()]);
        let [first, second] = theirs.join().unwrap();
        assert_eq!(first, second);
        first
    });
    assert!(theirs != own && task.right_type(theirs).is_err(), "it has ended with its thread");
    let thrown_away = Bytes::header((COPY_SEND, MAKE_SEND), port_with_send(&task), own.0, 1).send(&task);
    assert_eq!(thrown_away, Code::SEND_INVALID_REPLY, "it is a port for answers");
    // Thrown away after an error, it is made anew.
    task.mod_refs(own, RightKind::Receive, -1).unwrap();
    let again = task.thread_reply_port();
    assert!(again != own);
    assert_eq!((task.right_type(again), task.thread_reply_port()), (Ok(TypeBits::RECEIVE), again));
    let code = common::sys::in_fork(|| i32::from(task.thread_reply_port().is_valid()));
    assert_eq!(code, 0, "a forked child has none");
}

#[test]
fn sd4_a_strict_reply_leads_to_a_port_that_nobody_else_has() {
    let two = two();
    let send = |disposition, reply| {
        let mut message = Bytes::header((COPY_SEND, disposition), two.to, reply, 1);
        message.send_with(&two.one, Options::STRICT_REPLY, 0)
    };
    let refused = Code::SEND_INVALID_REPLY;
    let own = port(&two.one);
    assert_eq!([send(MAKE_SEND, own), send(MAKE_SEND_ONCE, NULL)], [refused; 2], "no send-once right");
    assert_eq!(
        [send(MAKE_SEND_ONCE, two.to), send(MAKE_SEND_ONCE, own + 4)],
        [refused; 2],
        "not received here"
    );
    assert_eq!(send(MAKE_SEND_ONCE, own), Code::SUCCESS);
    assert_eq!(send(MAKE_SEND_ONCE, own), refused, "an answer is awaited there");
    two.other.deallocate(raw(receive(&two.other, two.port).remote())).unwrap();
    assert_eq!(receive(&two.one, own).id(), 71);
    let once = send_once(&two.one, own);
    assert_eq!(send(MAKE_SEND_ONCE, own), refused, "there is one already");
    assert_eq!(send(MOVE_SEND_ONCE, once), Code::SUCCESS);
    let answer = receive(&two.other, two.port).remote();
    assert_eq!(Bytes::header((MOVE_SEND_ONCE, 0), answer, NULL, 2).send(&two.other), Code::SUCCESS);
    assert_eq!(receive(&two.one, own).id(), 2);
    // One send right may be there, and no second: of another holder, since one task's are one.
    two.one.with_receive_right(raw(own), |port| port.make_send().into_name()).unwrap();
    assert_eq!(send(MAKE_SEND_ONCE, own), Code::SUCCESS);
    let answer = receive(&two.other, two.port).remote();
    assert_eq!(Bytes::header((MOVE_SEND_ONCE, 0), answer, NULL, 3).send(&two.other), Code::SUCCESS);
    assert_eq!(receive(&two.one, own).id(), 3);
    assert_eq!(Bytes::to(two.to, 1).complex(1).port(own, MAKE_SEND).send(&two.one), Code::SUCCESS);
    assert_eq!(send(MAKE_SEND_ONCE, own), refused);
}
