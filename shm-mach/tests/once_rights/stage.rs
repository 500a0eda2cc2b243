//! Children that do what they are told with send-once rights, and who tells them.

use std::time::Duration;

use shm_mach::authority::Embedded;
use shm_mach::{
    Deadline, Message, Notification, Options, ReceiveError, ReceiveRight, Received, Right, SendFailure,
    SendOnceRight, SendRight, Task,
};

use crate::common::watchdog::Watchdog;
use crate::common::{Peer, inherited, spawn};

/// What a child is told to do; it answers with the number plus 100 when it is done, or plus 200 when it
/// was refused.
pub(crate) mod call {
    /// Keep this send right: where rights are passed on to.
    pub(crate) const TO: i32 = 1;
    /// Look R up, and give it a right to your port.
    pub(crate) const MEET: i32 = 2;
    /// Pass your send-once right on.
    pub(crate) const PASS: i32 = 3;
    /// As the reply right of a message.
    pub(crate) const PASS_AS_REPLY: i32 = 4;
    /// Answer with it.
    pub(crate) const USE: i32 = 5;
    pub(crate) const DROP: i32 = 6;
    /// Pass it on to R itself.
    pub(crate) const HOME: i32 = 7;
    /// Make a port whose queue holds nothing, and send a right to it.
    pub(crate) const FULL: i32 = 8;
    /// Pass your right on, and do not wait.
    pub(crate) const TRY: i32 = 9;
    /// Destroy that port.
    pub(crate) const DESTROY: i32 = 11;
    /// Make a port that nobody reads, and send a right to it.
    pub(crate) const UNREAD: i32 = 12;
    /// Send your right beside the answer to this message.
    pub(crate) const ENCLOSE: i32 = 13;
}
/// A message with a send-once right, from another child or from R.
pub(crate) const PASSED: i32 = 10;
/// What a right is used for.
pub(crate) const ANSWER: i32 = 42;
pub(crate) const SERVICE: &str = "test.once";

pub(crate) fn once_of(message: &mut Received) -> Option<SendOnceRight> {
    let beside = message.take_rights().into_iter().find_map(Right::into_send_once);
    message.take_reply().or(beside)
}

/// A child: does what it is told, one thing after the other.
pub(crate) fn child() {
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
            call::ENCLOSE => {
                let enclosed =
                    Message::new(PASSED, b"for you").with_right(once.take().expect("it has a right"));
                message.take_reply().unwrap().send(enclosed).is_ok()
            }
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
pub(crate) fn act(
    id: i32,
    body: &[u8],
    task: &Task,
    to: Option<&SendRight>,
    once: &mut Option<SendOnceRight>,
) -> bool {
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
pub(crate) struct Stage {
    _watchdog: Watchdog,
    test: &'static str,
    pub(crate) director: Task,
    pub(crate) meeting: ReceiveRight,
    pub(crate) r: Task,
    pub(crate) service: ReceiveRight,
    pub(crate) answers: ReceiveRight,
    pub(crate) authority: Embedded,
}

/// A child as its director knows it.
pub(crate) struct Actor {
    pub(crate) peer: Peer,
    pub(crate) port: SendRight,
    /// R's own right to its port, if R knows it.
    pub(crate) from_r: Option<SendRight>,
}

impl Stage {
    pub(crate) fn set(test: &'static str) -> Self {
        let _watchdog = Watchdog::start(test, 100);
        let authority = Embedded::start().unwrap();
        let attach = || Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0;
        let (director, r) = (attach(), attach());
        let (meeting, service) = (director.allocate().unwrap(), r.check_in(SERVICE).unwrap());
        let answers = r.allocate().unwrap();
        Self { _watchdog, test, director, meeting, r, service, answers, authority }
    }

    /// A child that R does not know.
    pub(crate) fn actor(&self) -> Actor {
        let peer = spawn(self.test, "child", self.director.prepare_child(&self.meeting).unwrap());
        let port = self.hear(0).take_rights().into_iter().find_map(Right::into_send).unwrap();
        Actor { peer, port, from_r: None }
    }

    pub(crate) fn hear(&self, id: i32) -> Received {
        let mut message = Received::new();
        self.meeting.receive(&mut message).unwrap();
        assert_eq!(message.id(), id);
        message
    }

    /// Tells a child to do something; it can.
    pub(crate) fn tell(&self, actor: &Actor, id: i32) -> Received {
        actor.port.send(Message::new(id, b"answered")).unwrap();
        self.hear(id + 100)
    }

    /// It cannot.
    pub(crate) fn tell_in_vain(&self, actor: &Actor, id: i32) {
        actor.port.send(Message::new(id, b"answered")).unwrap();
        self.hear(id + 200);
    }

    /// Tells a child to do something, which it can or cannot.
    pub(crate) fn tell_either_way(&self, actor: &Actor, id: i32) {
        actor.port.send(Message::new(id, b"late")).unwrap();
        let mut message = Received::new();
        self.meeting.receive(&mut message).unwrap();
        assert!([id + 100, id + 200].contains(&message.id()));
    }

    /// A child uses a right that has ended. Its message may be on its way when the right ends; it is not
    /// received.
    pub(crate) fn use_in_vain(&self, actor: &Actor) {
        self.tell_either_way(actor, call::USE);
        self.over();
    }

    /// A child that R knows asks the authority to pass its right on to R itself, and cannot send it.
    pub(crate) fn try_home(&self, actor: &Actor) {
        let full = self.r.allocate().unwrap();
        full.set_queue_limit(0).unwrap();
        let to_full = Message::new(call::TO, b"").with_right(full.make_send());
        actor.from_r.as_ref().unwrap().send(to_full).unwrap();
        self.hear(call::TO + 100);
        self.tell_in_vain(actor, call::TRY);
    }

    /// Where a child passes its right on to.
    pub(crate) fn point(&self, from: &Actor, to: &SendRight) {
        from.port.send(Message::new(call::TO, b"").with_right(to.clone())).unwrap();
        self.hear(call::TO + 100);
    }

    /// A child that R has given a send-once right.
    pub(crate) fn holder(&self) -> Actor {
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
    pub(crate) fn give(&self, actor: &Actor) {
        let once = self.answers.make_send_once();
        actor.from_r.as_ref().unwrap().send(Message::new(PASSED, b"").with_right(once)).unwrap();
        self.hear(PASSED + 100);
    }

    /// One child passes its right on, and the other one has it.
    pub(crate) fn pass(&self, from: &Actor, to: &Actor, how: i32) {
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
    pub(crate) fn answered_by(&self, actor: &Actor) {
        let mut message = Received::new();
        self.answers.receive(&mut message).unwrap();
        assert_eq!((message.id(), message.body()), (ANSWER, &b"answered"[..]), "{message:?}");
        assert_eq!(message.sender().pid, actor.peer.0.id());
        self.over();
    }

    /// A notification has come of the right, and nothing else.
    pub(crate) fn given_up(&self) {
        let mut message = Received::new();
        self.answers.receive(&mut message).unwrap();
        assert_eq!(message.notification(), Some(Notification::SendOnce), "{message:?}");
        self.over();
    }

    pub(crate) fn over(&self) {
        assert_eq!(self.answers.send_once_rights(), 0);
        self.nothing_comes_to(&self.answers);
    }

    /// A task looks at what there is for it, and a port of it has no message.
    pub(crate) fn nothing_comes_to(&self, port: &ReceiveRight) {
        let soon = Deadline::after(Duration::from_millis(10));
        let mut message = Received::new();
        let nothing = port.receive_deadline(&mut message, soon);
        assert_eq!(nothing, Err(ReceiveError::TimedOut), "{message:?}");
    }
}

/// A child that has asked the authority to pass its right on, and could not send the message.
pub(crate) fn unsent(stage: &Stage) -> (Actor, Actor) {
    let (holder, third) = (stage.holder(), stage.actor());
    let full = stage.tell(&third, call::FULL).take_rights().into_iter().find_map(Right::into_send).unwrap();
    stage.point(&holder, &full);
    stage.tell_in_vain(&holder, call::TRY);
    (holder, third)
}

/// A child that has asked the authority to pass its right on to R itself, and could not send it.
pub(crate) fn unsent_home(stage: &Stage) -> Actor {
    let holder = stage.holder();
    stage.try_home(&holder);
    holder
}
