//! Ports for answers.

use super::*;

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
    assert_eq!(few.mach_reply_port(), shm_mach::RawName::NULL, "no name is left");
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
    // Thrown away after an error, it is made anew.
    task.mod_refs(own, RightKind::Receive, -1).unwrap();
    let again = task.thread_reply_port();
    assert!(again != own);
    assert_eq!((task.right_type(again), task.thread_reply_port()), (Ok(TypeBits::RECEIVE), again));
    let code = common::sys::in_fork(|| i32::from(task.thread_reply_port().is_valid()));
    assert_eq!(code, 0, "a forked child has none");
}
