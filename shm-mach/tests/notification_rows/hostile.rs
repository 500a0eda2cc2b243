//! Peers that lie about the end of rights. The peer makes its half by hand.

use shm_mach::wire::control::{Control, End};
use shm_mach::{NotificationKind, TypeBits};

use super::common::raw::{Raw, SMALL};
use super::common::sockets;
use super::common::watchdog::Watchdog;
use super::*;

fn victim() -> (Joined, Raw) {
    let (ours, theirs) = sockets();
    let raw = std::thread::spawn(move || Raw::join(theirs, SMALL));
    let joined = join(ours, &Options::default()).unwrap();
    (joined, raw.join().unwrap())
}

fn ask(joined: &Joined, name: PortName, notify: &ReceiveRight) {
    let right = Some(notify.make_send_once());
    joined.task.request_notification(name, NotificationKind::DeadName, 0, right).unwrap();
}

/// What it says of any ports, with any key, ends no right to a port of somebody else's.
#[test]
fn a_liar_ends_no_rights_but_those_to_its_own_ports() {
    let _watchdog = Watchdog::start("a_liar_ends_no_rights_but_those_to_its_own_ports", 60);
    let (joined, mut raw) = victim();
    let notify = joined.task.allocate().unwrap();
    let own = joined.receive.make_send();
    let liars = joined.send.name();
    for name in [own.name(), liars] {
        ask(&joined, name, &notify);
    }
    let key = raw.hello.key;
    for end in [End::Died, End::Revoked, End::Void] {
        for (port, key) in [(raw.hello.port, key), (0, key), (0, 0), (1, 77), (u32::MAX, 77)] {
            raw.tell(Control::Ended { port, epoch: u32::MAX, key, serial: u64::MAX, end });
        }
    }
    is_empty(&notify);
    own.send(Message::new(3, b"")).unwrap();
    raw.tell(Control::Ended { port: 0, epoch: 0, key: 77, serial: 0, end: End::Died });
    assert_eq!(told(&notify), Notification::DeadName { name: liars });
    let mut message = Received::new();
    joined.receive.receive_deadline(&mut message, soon()).unwrap();
    assert_eq!(message.id(), 3);
    assert!(joined.task.right_type(own.name()).unwrap().contains(TypeBits::SEND));
}

/// The word about a right concerns what the receiver had been asked by then.
#[test]
fn what_is_said_of_a_right_before_it_was_asked_about_does_not_end_it() {
    let _watchdog = Watchdog::start("what_is_said_of_a_right_before_it_was_asked_about_does_not_end_it", 60);
    let (joined, mut raw) = victim();
    let notify = joined.task.allocate().unwrap();
    let name = joined.send.name();
    let ended = |serial, end| Control::Ended { port: 0, epoch: 1, key: 77, serial, end };
    for end in [End::Revoked, End::Void] {
        raw.tell(ended(u64::MAX, end)); // nobody has asked
    }
    is_empty(&notify);
    ask(&joined, name, &notify);
    is_empty(&notify);
    for end in [End::Revoked, End::Void] {
        raw.tell(ended(1, end)); // long before the question
    }
    is_empty(&notify);
    raw.tell(ended(u64::MAX, End::Revoked));
    assert_eq!(told(&notify), Notification::DeadName { name });
}
