//! Tasks that lie about receive rights: offers without messages, messages without offers, offers of others,
//! and rights to ports that are not there. Whoever is lied to gets a dead right, and goes on.

mod common;

use common::bare::Bare;
use common::meet::{next, soon};
use common::raw::{Raw, SMALL, greeting, half};
use common::watchdog::Watchdog;
use futex::sync::{AtomicU64, store_bytes};
use shm_mach::authority::Embedded;
use shm_mach::ring::layout::place;
use shm_mach::ring::slot::{Head, Token};
use shm_mach::segment::{PeerSegment, Shared};
use shm_mach::wire::event::{Answer, Found, Refusal};
use shm_mach::wire::record::Record;
use shm_mach::wire::request::{Addressee, MOVED, OnceRef, PortRef, Request};
use shm_mach::{Message, Options, ReceiveRight, Received, Right, SendFailure, Task};

/// A task of the library's, and a port of its that anybody finds.
struct Victim {
    authority: Embedded,
    task: Task,
    inbox: ReceiveRight,
}

impl Victim {
    fn new() -> Self {
        let authority = Embedded::start().unwrap();
        let (task, _) = Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap();
        let inbox = task.check_in("test.victim").unwrap();
        Self { authority, task, inbox }
    }

    fn looks(&self) {
        let _ = self.inbox.try_receive(&mut Received::new());
    }
}

/// A task without the library, linked with a victim, whose lane 1 leads to the victim's port.
struct Liar {
    bare: Bare,
    raw: Raw,
    victim: Found,
    sent: u64,
}

impl Liar {
    fn new(victim: &Victim) -> Self {
        let bare = Bare::attach(victim.authority.connect().unwrap());
        let found = bare.ask(&Request::LookUp { name: "test.victim".to_owned(), wait: false });
        let Answer::Found(found) = found else { panic!("{found:?}") };
        let own = half(SMALL, 0);
        let memory = own.memory();
        let fd = bare.connect(found.receiver, &own.into_read_only(), || victim.looks());
        let theirs = PeerSegment::adopt(&fd, place::RINGS, 1 << 31).unwrap();
        let hello =
            shm_mach::wire::hello::Hello { port: found.port.port, key: found.port.key, ..greeting(1) };
        let mut raw = Raw { memory, theirs, hello, geometry: SMALL, told: 0, socket: None };
        raw.tell(raw.opened(1, 1, 0));
        Self { bare, raw, victim: found, sent: 0 }
    }

    fn offer(&self, key: u64, to: Addressee) -> Answer {
        let task = self.victim.receiver;
        self.bare.ask(&Request::Offer { task, key, limit: u32::MAX, keeps: true, to })
    }

    /// To the victim's port, as is true.
    fn offer_there(&self, key: u64) -> Answer {
        self.offer(key, Addressee::Port { port: self.victim.port.port, key: self.victim.port.key })
    }

    /// Sends a message with one record.
    fn send(&mut self, record: Record) {
        let words: Shared<[AtomicU64]> = self.raw.memory.slice(SMALL.payload(), 4);
        store_bytes(&words, &record.encode());
        self.raw.publish(1, self.sent, Head { rights: 1, ..Head::message(7, 0) }, &[]);
        self.sent += 1;
        self.raw.ring(0);
    }
}

/// The right in the next message.
fn arrival(victim: &Victim) -> Right {
    next(&victim.inbox, "a message").take_rights().pop().expect("one right")
}

fn is_good(port: &ReceiveRight) {
    port.make_send().send(Message::new(3, b"")).unwrap();
    assert_eq!(next(port, "a message of its own task").id(), 3);
}

#[test]
fn what_was_not_offered_is_a_dead_right() {
    let _watchdog = Watchdog::start("what_was_not_offered_is_a_dead_right", 120);
    let victim = Victim::new();
    let (mut liar, mut other) = (Liar::new(&victim), Liar::new(&victim));
    liar.send(Record::Receive { key: 1 });
    assert!(matches!(arrival(&victim), Right::Dead), "never offered");

    assert_eq!(liar.offer_there(2), Answer::Done);
    liar.send(Record::Receive { key: 2 });
    let Right::Receive(port) = arrival(&victim) else { panic!("it was offered") };
    liar.send(Record::Receive { key: 2 });
    assert!(matches!(arrival(&victim), Right::Dead), "it has come before");
    is_good(&port);

    assert_eq!(other.offer_there(2), Answer::Done);
    other.send(Record::Receive { key: 2 });
    assert!(matches!(arrival(&victim), Right::Dead), "a port of that key is here");
    is_good(&port);

    assert_eq!(liar.offer_there(3), Answer::Done);
    other.send(Record::Receive { key: 3 });
    assert!(matches!(arrival(&victim), Right::Dead), "somebody else has offered it");
    liar.send(Record::Receive { key: 3 });
    assert!(matches!(arrival(&victim), Right::Receive(_)), "and that one sends it");

    assert_eq!(liar.offer_there(4), Answer::Done);
    liar.bare.say(&Request::Withdraw { task: liar.victim.receiver, key: 4 });
    liar.send(Record::Receive { key: 4 });
    assert_eq!(liar.bare.ask(&Request::Confirm), Answer::Done, "the authority has served all");
    assert!(matches!(arrival(&victim), Right::Dead), "it was withdrawn");
    liar.send(Record::Dead);
    assert!(matches!(arrival(&victim), Right::Dead), "nobody has lost a link");
}

/// Fails if a task can be made to keep ports without end, or if the end of who has offered them leaves some.
#[test]
fn offers_without_messages_end_with_who_made_them() {
    let _watchdog = Watchdog::start("offers_without_messages_end_with_who_made_them", 120);
    let victim = Victim::new();
    let reader = shm_mach::ipc::NameReader::adopt(victim.task.names_file()).unwrap();
    // The highest number of so many ports: those that are free are used again.
    let highest = || {
        let ports: Vec<ReceiveRight> = (0..65).map(|_| victim.task.allocate().unwrap()).collect();
        let numbers = ports.iter().map(|port| reader.lookup(port.name()).unwrap().place.offset);
        numbers.max().unwrap()
    };
    let number = highest();
    for round in 1..6 {
        let liar = Liar::new(&victim);
        let first = round << 32;
        let accepted = (first..).take_while(|key| liar.offer_there(*key) == Answer::Done).count();
        assert_eq!(accepted, 64);
        for key in (first..).take(30) {
            liar.bare.say(&Request::Withdraw { task: liar.victim.receiver, key });
            assert_eq!(liar.offer_there(key + 1000), Answer::Done, "for each that is taken back one more");
        }
        // Answers to what it was never offered make no room.
        liar.bare.say(&Request::Arrived { task: liar.victim.receiver });
        assert_eq!(liar.offer_there(9999), Answer::Refused(Refusal::NoBuffer));
        victim.looks();
        assert!(highest() > number, "the ports are there");
        drop(liar);
        let limit = soon();
        // Numbers of ports that have ended are used again, in whatever order.
        while highest() > number + 2 * 65 {
            assert!(!limit.has_passed(), "ports are left of a dead task");
            victim.looks();
        }
    }
}

/// Where a message goes is told by its sender. Fails if nonsense there is more than nonsense.
#[test]
fn messages_to_nowhere_carry_ports_all_the_same() {
    let _watchdog = Watchdog::start("messages_to_nowhere_carry_ports_all_the_same", 120);
    let victim = Victim::new();
    let mut liar = Liar::new(&victim);
    let token = |slot, generation| Addressee::Once(OnceRef::Token(Token { slot, generation }));
    let nowhere = [
        Addressee::Port { port: 0, key: 0 },
        Addressee::Port { port: 1 << 30, key: liar.victim.port.key },
        Addressee::Port { port: MOVED, key: 77 },
        token(0, 0),
        token(u16::MAX, u32::MAX),
        Addressee::Once(OnceRef::Number(5)),
    ];
    for (to, key) in nowhere.into_iter().zip(10..) {
        assert_eq!(liar.offer(key, to), Answer::Done);
        liar.send(Record::Receive { key });
        let Right::Receive(port) = arrival(&victim) else { panic!("{to:?}") };
        assert!(port.set_queue_limit(1025).is_err());
        is_good(&port);
        // It is not bound for anywhere.
        let inbox = victim.task.allocate().unwrap();
        inbox.make_send().send(Message::new(1, b"").with_right(port)).unwrap();
        let mut rights = next(&inbox, "within the task").take_rights();
        is_good(&rights.pop().and_then(Right::into_receive).unwrap());
    }
}

/// Send rights to ports that have moved, or have not, or never were: they are good for nothing.
#[test]
fn a_right_to_a_port_that_nobody_has_moved_is_worth_nothing() {
    let _watchdog = Watchdog::start("a_right_to_a_port_that_nobody_has_moved_is_worth_nothing", 120);
    let victim = Victim::new();
    let mut liar = Liar::new(&victim);
    // To itself: it has no such port, and says nothing of the lane that is opened for it.
    let port = PortRef { port: MOVED, epoch: 0, key: 5, limit: 2 };
    liar.send(Record::Send(port));
    let Right::Send(right) = arrival(&victim) else { panic!("as far as the victim knows") };
    right.try_send(Message::new(1, b"")).unwrap();
    // To the victim: by a grant that nobody has made.
    liar.send(Record::Granted { receiver: liar.victim.receiver, port });
    assert!(matches!(arrival(&victim), Right::Dead));
    // By one that the authority passes on: the port's table knows no such holder.
    let task = liar.victim.receiver;
    assert_eq!(liar.offer_there(5), Answer::Done);
    let stranger = Bare::attach(victim.authority.connect().unwrap());
    let refused = stranger.ask(&Request::Grant { receiver: task, port, to: task });
    assert_eq!(refused, Answer::Refused(Refusal::TaskDied), "a stranger grants nothing");
    liar.send(Record::Receive { key: 5 });
    let Right::Receive(port) = arrival(&victim) else { panic!("it was offered") };
    drop(liar);
    port.request_no_senders(0, &port);
    assert!(next(&port, "the liar's right ended with it").notification().is_some());
    assert_eq!(right.send(Message::new(2, b"")).unwrap_err().failure(), SendFailure::PortDied);
}

/// A task that was offered a port says that it has come, again and again.
#[test]
fn arrivals_without_end_make_no_room_for_others() {
    let _watchdog = Watchdog::start("arrivals_without_end_make_no_room_for_others", 120);
    let victim = Victim::new();
    let liar = Bare::attach(victim.authority.connect().unwrap());
    // Of all that it says it concerns only what others send to it.
    for task in [0, 1, u64::MAX, liar.task] {
        (0..1000).for_each(|_| liar.say(&Request::Arrived { task }));
    }
    assert!(matches!(
        liar.ask(&Request::LookUp { name: "test.victim".to_owned(), wait: false }),
        Answer::Found(_)
    ));
    let offer = Request::Offer {
        task: liar.task,
        key: 1,
        limit: 1,
        keeps: false,
        to: Addressee::Port { port: 0, key: 0 },
    };
    assert!(matches!(liar.ask(&offer), Answer::Refused(_)), "nobody offers to itself");
}
