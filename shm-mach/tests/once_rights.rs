//! Send-once rights that are passed on between real processes: of each comes exactly one message or
//! one notification, whoever dies.

mod common;

use std::time::Duration;

use common::watchdog::Watchdog;
use common::{Peer, inherited, role, sockets, spawn};
use shm_mach::authority::Embedded;
use shm_mach::{
    Deadline, Message, Notification, Options, ReceiveRight, Received, Right, SendFailure, SendOnceRight,
    SendRight, Task, join,
};

/// What a child is told to do; it answers with the number plus 100 when it is done, or plus 200 when it
/// was refused.
mod call {
    /// Keep this send right: where rights are passed on to.
    pub(super) const TO: i32 = 1;
    /// Look R up, and give it a right to your port.
    pub(super) const MEET: i32 = 2;
    /// Pass your send-once right on.
    pub(super) const PASS: i32 = 3;
    /// As the reply right of a message.
    pub(super) const PASS_AS_REPLY: i32 = 4;
    /// Answer with it.
    pub(super) const USE: i32 = 5;
    pub(super) const DROP: i32 = 6;
    /// Pass it on to R itself.
    pub(super) const HOME: i32 = 7;
    /// Make a port whose queue holds nothing, and send a right to it.
    pub(super) const FULL: i32 = 8;
    /// Pass your right on, and do not wait.
    pub(super) const TRY: i32 = 9;
    /// Destroy that port.
    pub(super) const DESTROY: i32 = 11;
    /// Make a port that nobody reads, and send a right to it.
    pub(super) const UNREAD: i32 = 12;
}
/// A message with a send-once right, from another child or from R.
const PASSED: i32 = 10;
/// What a right is used for.
const ANSWER: i32 = 42;
const SERVICE: &str = "test.once";

fn once_of(message: &mut Received) -> Option<SendOnceRight> {
    let beside = message.take_rights().into_iter().find_map(Right::into_send_once);
    message.take_reply().or(beside)
}

/// A child: does what it is told, one thing after the other.
fn child() {
    let (task, director) = Task::attach_to(inherited(), &Options::default()).unwrap();
    let director = director.unwrap();
    let own = task.allocate().unwrap();
    director.send(Message::new(0, b"").with_right(own.make_send())).unwrap();
    let mut message = Received::new();
    let (mut to, mut once, mut other) = (None, None, None);
    loop {
        own.receive(&mut message).unwrap();
        let id = message.id();
        let mut said = Message::new(id + 100, b"");
        let done = match id {
            PASSED => {
                once = once_of(&mut message);
                once.is_some()
            }
            call::TO => {
                to = message.take_rights().into_iter().find_map(Right::into_send);
                true
            }
            call::FULL | call::UNREAD => {
                let port = task.allocate().unwrap();
                port.set_queue_limit(u32::from(id == call::UNREAD)).unwrap();
                said = said.with_right(port.make_send());
                other = Some(port);
                true
            }
            call::DESTROY => other.take().is_some(),
            call::MEET => {
                let r = task.look_up(SERVICE).unwrap();
                r.send(Message::new(0, b"").with_right(own.make_send())).unwrap();
                true
            }
            _ => act(id, message.body(), &task, to.as_ref(), &mut once),
        };
        if !done {
            said = Message::new(id + 200, b"");
        }
        director.send(said).unwrap();
    }
}

/// Does something with its right; says whether that was possible.
fn act(id: i32, body: &[u8], task: &Task, to: Option<&SendRight>, once: &mut Option<SendOnceRight>) -> bool {
    let right = once.take().expect("it has a right");
    let passed = Message::new(PASSED, b"for you");
    let sent = match id {
        call::DROP => return true,
        call::USE => {
            return match right.send(Message::new(ANSWER, body)) {
                Ok(()) => true,
                Err(error) => {
                    assert_eq!(error.failure(), SendFailure::PortDied);
                    false
                }
            };
        }
        call::PASS => to.unwrap().send(passed.with_right(right)),
        call::PASS_AS_REPLY => to.unwrap().send(passed.reply_to(right)),
        call::TRY => to.unwrap().try_send(passed.with_right(right)),
        call::HOME => task.look_up(SERVICE).unwrap().send(passed.with_right(right)),
        other => panic!("{other}"),
    };
    let Err(error) = sent else { return true };
    *once = error.into_message().take_rights().into_iter().find_map(Right::into_send_once);
    assert!(once.is_some(), "a refused message comes back with its rights");
    false
}

/// R, the director of the children, and the authority.
struct Stage {
    _watchdog: Watchdog,
    test: &'static str,
    director: Task,
    meeting: ReceiveRight,
    r: Task,
    service: ReceiveRight,
    answers: ReceiveRight,
    _authority: Embedded,
}

/// A child as its director knows it.
struct Actor {
    peer: Peer,
    port: SendRight,
    /// R's own right to its port, if R knows it.
    from_r: Option<SendRight>,
}

impl Stage {
    fn set(test: &'static str) -> Self {
        let _watchdog = Watchdog::start(test, 100);
        let authority = Embedded::start().unwrap();
        let attach = || Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0;
        let (director, r) = (attach(), attach());
        let (meeting, service) = (director.allocate().unwrap(), r.check_in(SERVICE).unwrap());
        let answers = r.allocate().unwrap();
        Self { _watchdog, test, director, meeting, r, service, answers, _authority: authority }
    }

    /// A child that R does not know.
    fn actor(&self) -> Actor {
        let peer = spawn(self.test, "child", self.director.prepare_child(&self.meeting).unwrap());
        let port = self.hear(0).take_rights().into_iter().find_map(Right::into_send).unwrap();
        Actor { peer, port, from_r: None }
    }

    fn hear(&self, id: i32) -> Received {
        let mut message = Received::new();
        self.meeting.receive(&mut message).unwrap();
        assert_eq!(message.id(), id);
        message
    }

    /// Tells a child to do something; it can.
    fn tell(&self, actor: &Actor, id: i32) -> Received {
        actor.port.send(Message::new(id, b"answered")).unwrap();
        self.hear(id + 100)
    }

    /// It cannot.
    fn tell_in_vain(&self, actor: &Actor, id: i32) {
        actor.port.send(Message::new(id, b"answered")).unwrap();
        self.hear(id + 200);
    }

    /// Where a child passes its right on to.
    fn point(&self, from: &Actor, to: &SendRight) {
        from.port.send(Message::new(call::TO, b"").with_right(to.clone())).unwrap();
        self.hear(call::TO + 100);
    }

    /// A child that R has given a send-once right.
    fn holder(&self) -> Actor {
        let mut actor = self.actor();
        actor.port.send(Message::new(call::MEET, b"")).unwrap();
        let mut message = Received::new();
        self.service.receive(&mut message).unwrap();
        actor.from_r = message.take_rights().into_iter().find_map(Right::into_send);
        self.hear(call::MEET + 100);
        self.give(&actor);
        actor
    }

    /// R gives a send-once right to a child that it knows.
    fn give(&self, actor: &Actor) {
        let once = self.answers.make_send_once();
        actor.from_r.as_ref().unwrap().send(Message::new(PASSED, b"").with_right(once)).unwrap();
        self.hear(PASSED + 100);
    }

    /// One child passes its right on, and the other one has it.
    fn pass(&self, from: &Actor, to: &Actor, how: i32) {
        self.point(from, &to.port);
        from.port.send(Message::new(how, b"")).unwrap();
        let mut ids = [0; 2].map(|_| {
            let mut message = Received::new();
            self.meeting.receive(&mut message).unwrap();
            message.id()
        });
        ids.sort_unstable();
        assert_eq!(ids, [how + 100, PASSED + 100]);
    }

    /// A message has come of the right, and nothing else.
    fn answered_by(&self, actor: &Actor) {
        let mut message = Received::new();
        self.answers.receive(&mut message).unwrap();
        assert_eq!((message.id(), message.body()), (ANSWER, &b"answered"[..]), "{message:?}");
        assert_eq!(message.sender().pid, actor.peer.0.id());
        self.over();
    }

    /// A notification has come of the right, and nothing else.
    fn given_up(&self) {
        let mut message = Received::new();
        self.answers.receive(&mut message).unwrap();
        assert_eq!(message.notification(), Some(Notification::SendOnce), "{message:?}");
        self.over();
    }

    fn over(&self) {
        assert_eq!(self.answers.send_once_rights(), 0);
        let soon = Deadline::after(Duration::from_millis(20));
        let mut message = Received::new();
        assert!(self.answers.receive_deadline(&mut message, soon).is_err(), "twice: {message:?}");
    }
}

#[test]
fn the_next_task_answers() {
    const TEST: &str = "the_next_task_answers";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let third = stage.actor();
    for how in [call::PASS, call::PASS_AS_REPLY, call::PASS] {
        let holder = stage.holder();
        stage.pass(&holder, &third, how);
        assert_eq!(stage.answers.send_once_rights(), 1);
        stage.tell(&third, call::USE);
        stage.answered_by(&third);
    }
}

#[test]
fn long_answers_of_a_third_task_arrive_whole() {
    const TEST: &str = "long_answers_of_a_third_task_arrive_whole";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let third = stage.actor();
    let body: Vec<u8> = (0..100_000).map(|at| at as u8).collect();
    let holder = stage.holder();
    for round in 0..70 {
        if round > 0 {
            stage.give(&holder);
        }
        stage.pass(&holder, &third, call::PASS);
        third.port.send(Message::new(call::USE, &body)).unwrap();
        stage.hear(call::USE + 100);
        let mut message = Received::new();
        stage.answers.receive(&mut message).unwrap();
        assert!(message.body() == body, "{} bytes", message.body().len());
        stage.over();
    }
}

#[test]
fn a_right_goes_from_hand_to_hand() {
    const TEST: &str = "a_right_goes_from_hand_to_hand";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let actors = [stage.holder(), stage.actor(), stage.actor()];
    for step in 0..7 {
        stage.pass(&actors[step % 3], &actors[(step + 1) % 3], call::PASS);
    }
    stage.tell(&actors[1], call::USE);
    stage.answered_by(&actors[1]);
}

#[test]
fn a_right_comes_home() {
    const TEST: &str = "a_right_comes_home";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let (holder, third) = (stage.holder(), stage.actor());
    stage.pass(&holder, &third, call::PASS);
    stage.tell(&third, call::HOME);
    let mut message = Received::new();
    stage.service.receive(&mut message).unwrap();
    let once = once_of(&mut message).expect("the right");
    assert_eq!(stage.answers.send_once_rights(), 1);
    once.send(Message::new(1, b"to myself")).unwrap();
    stage.answers.receive(&mut message).unwrap();
    assert_eq!(message.body(), b"to myself");
    stage.over();
    // It is destroyed unread.
    let holder = stage.holder();
    stage.tell(&holder, call::HOME);
    drop(stage.service);
    stage.answers.receive(&mut message).unwrap();
    assert_eq!(message.notification(), Some(Notification::SendOnce));
    assert_eq!(stage.answers.send_once_rights(), 0);
    drop(stage.r);
}

#[test]
fn a_right_that_is_dropped_is_given_up() {
    const TEST: &str = "a_right_that_is_dropped_is_given_up";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let third = stage.actor();
    for knows_r in [false, true] {
        let holder = stage.holder();
        stage.pass(&holder, &third, call::PASS);
        stage.tell(&third, call::DROP);
        stage.given_up();
        if !knows_r {
            stage.tell(&third, call::MEET);
            stage.service.receive(&mut Received::new()).unwrap();
        }
    }
    // The message is destroyed unread.
    let unread =
        stage.tell(&third, call::UNREAD).take_rights().into_iter().find_map(Right::into_send).unwrap();
    let holder = stage.holder();
    stage.point(&holder, &unread);
    stage.tell(&holder, call::PASS);
    stage.tell(&third, call::DESTROY);
    stage.given_up();
}

#[test]
fn a_right_ends_with_its_holder() {
    const TEST: &str = "a_right_ends_with_its_holder";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    for has_received in [true, false] {
        let (holder, mut third) = (stage.holder(), stage.actor());
        if has_received {
            stage.pass(&holder, &third, call::PASS);
        } else {
            let unread =
                stage.tell(&third, call::UNREAD).take_rights().into_iter().find_map(Right::into_send);
            stage.point(&holder, &unread.unwrap());
            stage.tell(&holder, call::PASS);
        }
        third.peer.kill();
        stage.given_up();
    }
    // What it has answered comes.
    let (holder, mut third) = (stage.holder(), stage.actor());
    stage.pass(&holder, &third, call::PASS);
    stage.tell(&third, call::USE);
    third.peer.kill();
    let mut message = Received::new();
    stage.answers.receive(&mut message).unwrap();
    assert_eq!(message.body(), b"answered");
    stage.over();
}

#[test]
fn a_right_outlives_the_one_who_passed_it_on() {
    const TEST: &str = "a_right_outlives_the_one_who_passed_it_on";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let third = stage.actor();
    let mut holder = stage.holder();
    stage.pass(&holder, &third, call::PASS);
    holder.peer.kill();
    std::thread::sleep(Duration::from_millis(50)); // R, the third task and the authority hear of it
    assert_eq!(stage.answers.send_once_rights(), 1);
    stage.tell(&third, call::USE);
    stage.answered_by(&third);
}

/// A child that has asked the authority to pass its right on, and could not send the message.
fn unsent(stage: &Stage) -> (Actor, Actor) {
    let (holder, third) = (stage.holder(), stage.actor());
    let full = stage.tell(&third, call::FULL).take_rights().into_iter().find_map(Right::into_send).unwrap();
    stage.point(&holder, &full);
    stage.tell_in_vain(&holder, call::TRY);
    (holder, third)
}

#[test]
fn one_who_dies_before_its_message_is_sent_has_passed_nothing_on() {
    const TEST: &str = "one_who_dies_before_its_message_is_sent_has_passed_nothing_on";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    for _ in 0..3 {
        let (mut holder, _third) = unsent(&stage);
        assert_eq!(stage.answers.send_once_rights(), 1);
        holder.peer.kill();
        stage.given_up();
    }
}

/// A child that has asked the authority to pass its right on to R itself, and could not send it.
fn unsent_home(stage: &Stage) -> Actor {
    let holder = stage.holder();
    let full = stage.r.allocate().unwrap();
    full.set_queue_limit(0).unwrap();
    let to_full = Message::new(call::TO, b"").with_right(full.make_send());
    holder.from_r.as_ref().unwrap().send(to_full).unwrap();
    stage.hear(call::TO + 100);
    stage.tell_in_vain(&holder, call::TRY);
    holder
}

#[test]
fn a_right_that_was_not_sent_home_is_not_waited_for() {
    const TEST: &str = "a_right_that_was_not_sent_home_is_not_waited_for";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let mut holder = unsent_home(&stage);
    assert_eq!(stage.answers.send_once_rights(), 1);
    holder.peer.kill();
    stage.given_up();
    let holder = unsent_home(&stage);
    stage.tell(&holder, call::USE);
    stage.answered_by(&holder);
}

#[test]
fn a_right_that_could_not_be_sent_is_still_good() {
    const TEST: &str = "a_right_that_could_not_be_sent_is_still_good";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    let (holder, _third) = unsent(&stage);
    stage.tell(&holder, call::USE);
    stage.answered_by(&holder);

    let (holder, _third) = unsent(&stage);
    stage.tell(&holder, call::DROP);
    stage.given_up();

    let (holder, _third) = unsent(&stage);
    let fourth = stage.actor();
    stage.pass(&holder, &fourth, call::PASS);
    stage.tell(&fourth, call::USE);
    stage.answered_by(&fourth);

    let (holder, third) = unsent(&stage);
    stage.pass(&holder, &third, call::PASS);
    stage.tell(&third, call::USE);
    stage.answered_by(&third);

    // It ends with the one that it was for: that one may have had it, for all that R knows.
    let (holder, mut third) = unsent(&stage);
    third.peer.kill();
    stage.given_up();
    stage.tell_in_vain(&holder, call::USE);
    stage.over();
}

#[test]
fn a_right_that_was_passed_on_is_revoked() {
    const TEST: &str = "a_right_that_was_passed_on_is_revoked";
    if role().is_some() {
        return child();
    }
    let stage = Stage::set(TEST);
    // The identity of one that R has never heard of.
    let (holder, third) = (stage.holder(), stage.actor());
    third.port.send(Message::new(call::DESTROY, b"")).unwrap();
    let who = stage.hear(call::DESTROY + 200).sender();
    stage.pass(&holder, &third, call::PASS);
    assert!(stage.answers.revoke(who));
    stage.given_up();
    assert!(!stage.answers.revoke(who));
    // Its message may be on its way when the right ends; it is not received.
    third.port.send(Message::new(call::USE, b"late")).unwrap();
    let mut message = Received::new();
    stage.meeting.receive(&mut message).unwrap();
    stage.over();
}

#[test]
fn without_an_authority_nothing_is_passed_on_and_the_right_stays_good() {
    const TEST: &str = "without_an_authority_nothing_is_passed_on_and_the_right_stays_good";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let mut message = Received::new();
        joined.receive.receive(&mut message).unwrap();
        let reply = message.take_reply().unwrap();
        let refused = joined.send.send(Message::new(1, b"").reply_to(reply)).unwrap_err();
        assert_eq!(refused.failure(), SendFailure::NotIntroduced);
        let reply =
            refused.into_message().take_reply().expect("a refused message comes back with its rights");
        let refused = joined.send.send(Message::new(1, b"").with_right(reply)).unwrap_err();
        let right = refused.into_message().take_rights().into_iter().find_map(Right::into_send_once);
        right.unwrap().send(Message::new(ANSWER, b"")).unwrap();
        return;
    }
    let (ours, theirs) = sockets();
    let peer = spawn(TEST, "child", theirs);
    let joined = join(ours, &Options::default()).unwrap();
    let replies = joined.task.allocate().unwrap();
    joined.send.send(Message::new(1, b"").reply_to(replies.make_send_once())).unwrap();
    let mut message = Received::new();
    replies.receive(&mut message).unwrap();
    assert_eq!((message.id(), replies.send_once_rights()), (ANSWER, 0));
    peer.finish();
}

#[test]
fn a_port_dies_while_its_right_is_elsewhere() {
    const TEST: &str = "a_port_dies_while_its_right_is_elsewhere";
    if role().is_some() {
        return child();
    }
    let mut stage = Stage::set(TEST);
    let (holder, third) = (stage.holder(), stage.actor());
    stage.pass(&holder, &third, call::PASS);
    stage.answers = stage.r.allocate().unwrap();
    third.port.send(Message::new(call::USE, b"late")).unwrap();
    let mut message = Received::new();
    stage.meeting.receive(&mut message).unwrap(); // either way
    // And the lane of that message is free again, as many times as there are lanes.
    for _ in 0..300 {
        stage.give(&holder);
        stage.pass(&holder, &third, call::PASS);
        stage.tell(&third, call::USE);
        stage.answered_by(&third);
    }
}
