//! Order across senders: what was sent before is received before, whoever sent it and however it came.
//!
//! Several tasks pass a token around, and whoever has it sends the next number: so each message was
//! sent before the next one, and numbers must arrive in order.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use shm_mach::authority::Embedded;
use shm_mach::{
    Deadline, Message, Options, ReceiveError, ReceiveRight, Received, Right, SendRight, Task, Wait,
};

/// A token: the number that is to be sent next.
struct Token(AtomicI32);

impl Token {
    const fn new() -> Self {
        Self(AtomicI32::new(0))
    }

    /// Sends every number of `all` that leaves `turn` when divided by `turns`, each when its turn comes.
    fn pass(&self, all: i32, (turn, turns): (i32, i32), mut send: impl FnMut(i32)) {
        let mut next = turn;
        while next < all {
            while self.0.load(Ordering::Acquire) != next {
                std::thread::yield_now();
            }
            send(next);
            self.0.store(next + 1, Ordering::Release);
            next += turns;
        }
    }
}

fn send(right: &SendRight, number: i32) {
    right.send(Message::new(number, &number.to_ne_bytes())).unwrap();
}

/// Receives the numbers up to `all`, in order.
fn expect(port: &ReceiveRight, all: i32) {
    let mut message = Received::new();
    for number in 0..all {
        port.receive_deadline(&mut message, Deadline::after(Duration::from_secs(30))).unwrap();
        assert_eq!(message.id(), number, "received out of order");
        assert_eq!(message.body(), number.to_ne_bytes());
    }
}

fn attach(authority: &Embedded) -> Task {
    Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0
}

#[test]
fn what_was_sent_before_is_received_before() {
    for wait in [Wait::Park, Wait::Adaptive] {
        let authority = Embedded::start().unwrap();
        let port = attach(&authority).check_in("port").unwrap();
        port.set_wait(wait);
        let token = Token::new();
        std::thread::scope(|scope| {
            for turn in 0..3 {
                let right = attach(&authority).look_up("port").unwrap();
                let token = &token;
                scope.spawn(move || token.pass(10_000, (turn, 3), |number| send(&right, number)));
            }
            expect(&port, 10_000);
        });
    }
}

#[test]
fn also_over_a_lane_that_the_receiver_does_not_know_yet() {
    let authority = Embedded::start().unwrap();
    let port = attach(&authority).check_in("port").unwrap();
    let token = Token::new();
    std::thread::scope(|scope| {
        let (old, token) = (attach(&authority).look_up("port").unwrap(), &token);
        scope.spawn(move || token.pass(1000, (0, 2), |number| send(&old, number)));
        let task = attach(&authority);
        scope.spawn(move || token.pass(1000, (1, 2), |number| send(&task.look_up("port").unwrap(), number)));
        expect(&port, 1000);
    });
}

#[test]
fn also_from_a_task_that_the_receiver_does_not_know_yet() {
    let authority = Embedded::start().unwrap();
    let port = attach(&authority).check_in("port").unwrap();
    let token = Token::new();
    std::thread::scope(|scope| {
        let (old, token, authority) = (attach(&authority).look_up("port").unwrap(), &token, &authority);
        scope.spawn(move || token.pass(60, (0, 2), |number| send(&old, number)));
        scope.spawn(move || {
            token.pass(60, (1, 2), |number| send(&attach(authority).look_up("port").unwrap(), number));
        });
        expect(&port, 60);
    });
}

#[test]
fn also_between_clones_and_the_receiver_s_own_threads() {
    let authority = Embedded::start().unwrap();
    let port = attach(&authority).check_in("port").unwrap();
    let token = Token::new();
    std::thread::scope(|scope| {
        let task = attach(&authority);
        let first = task.look_up("port").unwrap();
        let rights = [first.clone(), port.make_send(), first];
        for (turn, right) in (0..).zip(rights) {
            let token = &token;
            scope.spawn(move || token.pass(9000, (turn, 3), |number| send(&right, number)));
        }
        expect(&port, 9000);
    });
}

/// The only sender stamps nothing. It passes its right on, and hears of a message of the new holder.
#[test]
fn also_when_the_only_sender_gives_its_right_on() {
    const ALONE: i32 = 50;
    let authority = Embedded::start().unwrap();
    let tasks: Vec<Task> = (0..3).map(|_| attach(&authority)).collect();
    let first_home = tasks[1].check_in("first").unwrap();
    let second_home = tasks[2].check_in("second").unwrap();
    let to_first = tasks[0].look_up("first").unwrap();
    let to_second = tasks[1].look_up("second").unwrap();
    let mut message = Received::new();
    for _ in 0..200 {
        let port = tasks[0].allocate().unwrap();
        to_first.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        first_home.receive(&mut message).unwrap();
        let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
        let token = Token::new();
        std::thread::scope(|scope| {
            let (token, to_second, second_home) = (&token, to_second.clone(), &second_home);
            scope.spawn(move || {
                (0..ALONE).for_each(|number| send(&right, number));
                to_second.send(Message::new(0, b"").with_right(right.clone())).unwrap();
                token.0.store(ALONE, Ordering::Release);
                token.pass(ALONE + 20, (ALONE, 2), |number| send(&right, number));
            });
            scope.spawn(move || {
                let mut message = Received::new();
                second_home.receive(&mut message).unwrap();
                let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
                token.pass(ALONE + 20, (ALONE + 1, 2), |number| send(&right, number));
            });
            expect(&port, ALONE + 20);
        });
    }
}

/// The receiver gives a second task a right while the first one sends.
#[test]
fn also_when_the_receiver_makes_a_second_sender() {
    const ALONE: i32 = 50;
    let authority = Embedded::start().unwrap();
    let tasks: Vec<Task> = (0..3).map(|_| attach(&authority)).collect();
    let homes = [tasks[1].check_in("first").unwrap(), tasks[2].check_in("second").unwrap()];
    let to = ["first", "second"].map(|name| tasks[0].look_up(name).unwrap());
    let mut message = Received::new();
    for _ in 0..200 {
        let port = tasks[0].allocate().unwrap();
        to[0].send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        homes[0].receive(&mut message).unwrap();
        let first = message.take_rights().pop().and_then(Right::into_send).unwrap();
        (0..ALONE).for_each(|number| send(&first, number));
        let token = Token::new();
        token.0.store(ALONE, Ordering::Release);
        to[1].send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        std::thread::scope(|scope| {
            let (token, home) = (&token, &homes[1]);
            scope.spawn(move || token.pass(ALONE + 20, (ALONE, 2), |number| send(&first, number)));
            scope.spawn(move || {
                let mut message = Received::new();
                home.receive(&mut message).unwrap();
                let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
                token.pass(ALONE + 20, (ALONE + 1, 2), |number| send(&right, number));
            });
            expect(&port, ALONE + 20);
        });
    }
}

/// One sends, another one uses send-once rights. Fails if answers are not taken in their turn.
#[test]
fn also_between_messages_and_answers() {
    const ALL: i32 = 1200;
    let authority = Embedded::start().unwrap();
    let (receiver, answerer) = (attach(&authority), attach(&authority));
    let (port, requests) = (receiver.check_in("port").unwrap(), answerer.check_in("requests").unwrap());
    let (to_answerer, token) = (receiver.look_up("requests").unwrap(), Token::new());
    std::thread::scope(|scope| {
        let (right, token) = (attach(&authority).look_up("port").unwrap(), &token);
        scope.spawn(move || token.pass(ALL, (0, 2), |number| send(&right, number)));
        scope.spawn(move || {
            let mut message = Received::new();
            let mut replies: Vec<_> = std::iter::repeat_with(|| {
                requests.receive(&mut message).unwrap();
                message.take_reply().unwrap()
            })
            .take(ALL as usize / 2)
            .collect();
            token.pass(ALL, (1, 2), |number| {
                let reply = replies.pop().expect("one for each turn");
                reply.send(Message::new(number, &number.to_ne_bytes())).unwrap();
            });
        });
        for _ in 0..ALL / 2 {
            to_answerer.send(Message::new(0, b"").reply_to(port.make_send_once())).unwrap();
        }
        expect(&port, ALL);
    });
}

/// An answer is all that can come, until the receiver gives somebody a right: he sends, and then the answer
/// is given. Fails if the answer still goes without a time.
#[test]
fn also_when_an_answer_is_not_the_only_thing_any_more() {
    let authority = Embedded::start().unwrap();
    let tasks: Vec<Task> = (0..3).map(|_| attach(&authority)).collect();
    let homes = [tasks[1].check_in("first").unwrap(), tasks[2].check_in("second").unwrap()];
    let to = ["first", "second"].map(|name| tasks[0].look_up(name).unwrap());
    let mut message = Received::new();
    for _ in 0..100 {
        let port = tasks[0].allocate().unwrap();
        to[0].send(Message::new(0, b"").reply_to(port.make_send_once())).unwrap();
        homes[0].receive(&mut message).unwrap();
        let reply = message.take_reply().unwrap();
        to[1].send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        homes[1].receive(&mut message).unwrap();
        let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
        send(&right, 0);
        reply.send(Message::new(1, &1i32.to_ne_bytes())).unwrap();
        expect(&port, 2);
    }
}

/// An answer lies between two messages, and its giver dies when the first one was taken. Fails if what is
/// put elsewhere then loses its turn.
#[test]
fn also_when_the_one_who_answered_is_dead() {
    let authority = Embedded::start().unwrap();
    let (receiver, answerer) = (attach(&authority), attach(&authority));
    let (port, requests) = (receiver.check_in("port").unwrap(), answerer.check_in("requests").unwrap());
    let (right, other) = (attach(&authority).look_up("port").unwrap(), receiver.allocate().unwrap());
    let to_answerer = receiver.look_up("requests").unwrap();
    to_answerer.send(Message::new(0, b"").reply_to(port.make_send_once())).unwrap();
    let mut message = Received::new();
    requests.receive(&mut message).unwrap();
    let reply = message.take_reply().unwrap();
    send(&right, 0);
    reply.send(Message::new(1, &1i32.to_ne_bytes())).unwrap();
    send(&right, 2);
    expect(&port, 1);
    drop((requests, answerer));
    let until = Deadline::after(Duration::from_secs(30));
    while port.send_once_rights() > 0 {
        assert!(!until.has_passed(), "the death is never heard of");
        assert_eq!(other.try_receive(&mut message), Err(ReceiveError::TimedOut));
    }
    for number in 1..3 {
        port.try_receive(&mut message).unwrap();
        assert_eq!(message.id(), number, "received out of order");
    }
}
