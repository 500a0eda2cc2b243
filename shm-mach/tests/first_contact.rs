//! Two tasks that ask for each other at the same time: one link comes of it, and all that is sent,
//! answered and given back over it arrives.

mod common;

use common::meet::{next, send_rights, soon, until_no_senders};
use common::watchdog::Watchdog;
use shm_mach::authority::Embedded;
use shm_mach::{Message, Options, ReceiveRight, SendRight, Task};

/// More than a queue holds: it is sent only if what was read is told.
const MANY: i32 = 600;
const REQUEST: i32 = -1;
const ANSWER: i32 = -2;

/// A task, the port that the other knows by name, and where its answers come.
struct Side {
    task: Task,
    named: ReceiveRight,
    answers: ReceiveRight,
}

impl Side {
    fn new(authority: &Embedded, name: &str) -> Self {
        let task = Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0;
        let named = task.check_in(name).unwrap();
        Self { answers: task.allocate().unwrap(), named, task }
    }

    fn ask(&self, right: &SendRight) {
        right.send(Message::new(REQUEST, b"").reply_to(self.answers.make_send_once())).unwrap();
    }

    fn answer(&self) {
        let mut request = next(&self.named, "the request");
        assert_eq!(request.id(), REQUEST);
        request.take_reply().expect("it may be answered").send(Message::new(ANSWER, b"")).unwrap();
    }

    /// Gives the other a right to a port, and takes what it sends there.
    fn give(&self, to_other: &SendRight, other: &Self) {
        let port = self.task.allocate().unwrap();
        to_other.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        port.request_no_senders(0, &port);
        let right = send_rights(&mut next(&other.named, "a right")).next().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..MANY).for_each(|id| right.send_deadline(Message::new(id, b""), soon()).unwrap());
                drop(right);
            });
            let ids: Vec<i32> =
                until_no_senders(&port, "what is sent").iter().map(|message| message.id()).collect();
            assert!(ids.iter().copied().eq(0..MANY), "lost, twice or out of order: {ids:?}");
        });
    }
}

/// The second asks when it has been told of the first, and has not looked at it. Fails if it then makes
/// a second half for the same peer: what it says over that one nobody hears.
#[test]
fn two_that_ask_for_each_other_at_once_share_one_link() {
    let _watchdog = Watchdog::start("two_that_ask_for_each_other_at_once_share_one_link", 60);
    let authority = Embedded::start().unwrap();
    let (one, two) = (Side::new(&authority, "one"), Side::new(&authority, "two"));
    let (to_two, to_one) = (one.task.look_up("two").unwrap(), two.task.look_up("one").unwrap());
    one.ask(&to_two);
    two.ask(&to_one);
    two.answer();
    one.answer();
    for side in [&one, &two] {
        assert_eq!(next(&side.answers, "an answer").id(), ANSWER);
    }
    one.give(&to_two, &two);
    two.give(&to_one, &one);
}
