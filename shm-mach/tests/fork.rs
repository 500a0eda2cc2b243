//! Forked children: what they inherit is inert, and their parent does not notice them.

mod common;

use common::watchdog::Watchdog;
use common::{inherited, role, sockets, spawn, sys};
use shm_mach::{
    Deadline, JoinError, Message, Notification, NotificationKind, Options, PortError, ReceiveError, Received,
    SendFailure, join,
};

fn segments_mapped() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("memfd:shm-mach")).count()
}

/// Every call in the child, and every destructor. Says at which the child went wrong, 0 for none.
fn use_everything(
    joined: shm_mach::Joined,
    (port, set): (shm_mach::ReceiveRight, shm_mach::PortSet),
    own: shm_mach::SendRight,
) -> i32 {
    let mut message = Received::new();
    let once = port.make_send_once();
    let checks = [
        segments_mapped() == 0,
        joined.send.send(Message::new(1, b"")).unwrap_err().failure() == SendFailure::Forked,
        joined.send.clone().try_send(Message::new(1, b"")).unwrap_err().failure() == SendFailure::Forked,
        own.send(Message::new(1, b"")).unwrap_err().failure() == SendFailure::Forked,
        once.send(Message::new(1, b"")).unwrap_err().failure() == SendFailure::Forked,
        joined.receive.receive(&mut message) == Err(ReceiveError::Forked),
        joined.receive.try_receive(&mut message) == Err(ReceiveError::Forked),
        joined.receive.set_queue_limit(3) == Err(PortError::Forked),
        joined.task.allocate().is_err_and(|error| error == PortError::Forked),
        joined.task.allocate_set().is_err_and(|error| error == PortError::Forked),
        joined.task.allocate_timer().is_err_and(|error| error == PortError::Forked),
        joined.task.arm_timer(port.name(), Deadline::NOW) == Err(PortError::Forked),
        joined
            .task
            .request_notification(port.name(), NotificationKind::DeadName, 0, Some(port.make_send_once()))
            .is_err_and(|error| error == PortError::Forked),
        set.receive(&mut message) == Err(ReceiveError::Forked),
        set.try_receive(&mut message) == Err(ReceiveError::Forked),
        [set.insert(&port), set.remove(&port), set.move_member(&port)] == [Err(PortError::Forked); 3],
        set.members().is_empty() && !port.is_in_set(),
        !joined.receive.revoke(joined.peer),
    ];
    let right = port.make_send();
    port.request_no_senders(0, &port);
    drop((right, own, joined, set, port, message));
    checks.iter().position(|check| !check).map_or(0, |at| at as i32 + 1)
}

/// One thread only, as a program that forks should be: runs in a child of the test.
fn forking_parent() {
    let joined = join(inherited(), &Options::default()).unwrap();
    let port = joined.task.allocate().unwrap();
    let set = joined.task.allocate_set().unwrap();
    set.insert(&port).unwrap();
    let own = port.make_send();
    let mut message = Received::new();
    joined.send.send(Message::new(1, &[1; 200])).unwrap();
    joined.receive.receive(&mut message).unwrap();
    // The child gets copies of the very same handles, and drops them; the parent keeps its own.
    let (mut joined, mut port, mut own) = (Some(joined), Some((port, set)), Some(own));
    for _ in 0..5 {
        let code = sys::in_fork(|| {
            use_everything(joined.take().unwrap(), port.take().unwrap(), own.take().unwrap())
        });
        assert_eq!(code, 0, "the check of this number failed in the forked child");
    }
    let (joined, (port, set), own) = (joined.unwrap(), port.unwrap(), own.unwrap());
    own.send(Message::new(5, b"own")).unwrap();
    set.receive(&mut message).unwrap();
    assert_eq!((message.id(), message.port()), (5, Some(port.name())));
    for id in 0..1000 {
        joined.send.send(Message::new(id, &[2; 200])).unwrap();
        joined.receive.receive(&mut message).unwrap();
        assert_eq!(message.id(), id);
    }
}

/// Fails if a handle in the child touches memory that is not there (it is killed), if its destructors
/// close a lane, drop a right or hang up for the parent, or if a call does not say what is the matter.
#[test]
fn handles_in_a_forked_child_are_inert() {
    const NAME: &str = "handles_in_a_forked_child_are_inert";
    if role().is_some() {
        return forking_parent();
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (ours, theirs) = sockets();
    let peer = spawn(NAME, "forks", theirs);
    let joined = join(ours, &Options::default()).unwrap();
    let mut message = Received::new();
    let mut count = 0;
    loop {
        joined.receive.receive(&mut message).unwrap();
        if let Some(notification) = message.notification() {
            assert_eq!(notification, Notification::NoSenders { mscount: 1 });
            break;
        }
        count += 1;
        joined.send.send(Message::new(message.id(), message.body())).unwrap();
    }
    peer.finish();
    assert_eq!(count, 1001);
}

/// A forked child is a new task: it may join for itself. Fails if the library gives up on a process
/// for good because its parent had joined somebody.
#[test]
fn a_forked_child_joins_for_itself() {
    const NAME: &str = "a_forked_child_joins_for_itself";
    if role().is_some() {
        let parent = join(inherited(), &Options::default()).unwrap();
        let (ours, theirs) = sockets();
        let mut ends = Some((ours, theirs));
        let code = sys::in_fork(|| {
            let (ours, theirs) = ends.take().unwrap();
            let other = std::thread::spawn(move || join(theirs, &Options::default()));
            let joined: Result<_, JoinError> = join(ours, &Options::default());
            let (Ok(joined), Ok(Ok(other))) = (joined, other.join()) else { return 1 };
            joined.send.send(Message::new(9, b"from a child")).unwrap();
            let mut message = Received::new();
            other.receive.receive(&mut message).unwrap();
            i32::from(message.id() != 9)
        });
        assert_eq!(code, 0);
        parent.send.send(Message::new(1, b"")).unwrap();
        return;
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (ours, theirs) = sockets();
    let peer = spawn(NAME, "forks", theirs);
    let joined = join(ours, &Options::default()).unwrap();
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    peer.finish();
    assert_eq!(message.id(), 1);
}
