//! One of those who are killed: sends, asks, answers, and hands rights about, at random.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use shm_mach::{
    Deadline, Geometry, Message, Notification, Options, ReceiveError, ReceiveRight, Received, Right,
    SendFailure, SendOnceRight, SendRight, Task,
};

use super::common::inherited;
use super::common::random::Random;

/// To the survivor: a right to the player's port.
pub(crate) const HELLO: i32 = 1;
/// To the survivor: the next number.
pub(crate) const NUMBER: i32 = 2;
/// To a player, from the survivor: a right to another one's port.
pub(crate) const INTRODUCTION: i32 = 3;
/// To a player, from the survivor: give everything back and end.
pub(crate) const FINISH: i32 = 4;
/// From player to player: numbers and nothing else, a right, a reply right.
const TALK: i32 = 5;
const ANSWER: i32 = 100;

/// Where the player notes the number of its last acknowledged send, in its standard output.
pub(crate) const NOTE_AT: u64 = 1 << 16;
/// Where it notes how many rights it has received, but for its special port: send, send-once, receive.
pub(crate) const MOVED_AT: u64 = NOTE_AT + 8;
/// Kinds of rights.
pub(crate) const KINDS: usize = 3;
/// Rights in a message of one who gives away many.
const BUNDLE: usize = 100;
/// Receive rights, and send-once rights to be passed on or answered by, that a player keeps.
const KEPT: usize = 40;
/// Rights to others' ports that a player keeps.
const RIGHTS: usize = 12;
/// How long a player that gives everything back waits for others to do the same.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn options() -> Options {
    Options::default().geometry(Geometry { slots: 64, areas: 64, area_bytes: 16 << 10 }).queue_limit(16)
}

/// The body of message `number` of stream `stream` of the player with this seed: these three, and random
/// bytes, a random number of them.
pub(crate) fn body(seed: u64, stream: u64, number: u64) -> Vec<u8> {
    let mut random = Random::new(seed ^ stream << 32 ^ number << 40 ^ number);
    let size = random.pick(&[0, 0, 8, 100, 3000]);
    let head = [seed, stream, number].into_iter().flat_map(u64::to_le_bytes);
    head.chain((0..size).map(|_| random.next() as u8)).collect()
}

/// A right, and what was sent by it: a stream of its own.
struct Stream {
    right: SendRight,
    stream: u64,
    sent: u64,
}

struct Player {
    task: Task,
    seed: u64,
    /// It gives rights of all kinds away by the bundle.
    is_generous: bool,
    moved: [u64; KINDS],
    ports: Vec<ReceiveRight>,
    random: Random,
    note: File,
    home: SendRight,
    noted: u64,
    own: ReceiveRight,
    answers: ReceiveRight,
    streams: Vec<Stream>,
    made: u64,
    /// How far each stream of each sender was received.
    heard: HashMap<(u32, u64, u64), u64>,
    owed: VecDeque<SendOnceRight>,
    /// Requests that have no end yet.
    asked: u64,
    is_finishing: bool,
    is_alone: bool,
}

/// A player's life.
pub(crate) fn play(seed: u64, is_generous: bool) {
    let note = File::from(rustix::io::fcntl_dupfd_cloexec(std::io::stdout().as_fd(), 3).unwrap());
    let (task, home) = Task::attach_to(inherited(), &options()).unwrap();
    let (own, answers) = (task.allocate().unwrap(), task.allocate().unwrap());
    let home = home.expect("started with a special port");
    home.send(Message::new(HELLO, b"").with_right(own.make_send())).unwrap();
    own.request_no_senders(0, &own);
    let mut player = Player {
        task,
        seed,
        is_generous,
        moved: [0; KINDS],
        ports: Vec::new(),
        random: Random::new(seed),
        note,
        home,
        noted: 0,
        own,
        answers,
        streams: Vec::new(),
        made: 0,
        heard: HashMap::new(),
        owed: VecDeque::new(),
        asked: 0,
        is_finishing: false,
        is_alone: false,
    };
    while !player.is_finishing {
        player.act();
        player.hear(Deadline::NOW);
    }
    player.finish();
}

impl Player {
    fn act(&mut self) {
        match self.random.below(8) {
            0 | 1 => self.report(),
            2..=4 => self.talk(),
            5 => self.forget(),
            6 => {
                self.answer();
            }
            _ => self.hear(Deadline::after(Duration::from_micros(300))),
        }
    }

    /// The next number to the survivor; noted when that has returned.
    fn report(&mut self) {
        let number = self.noted + 1;
        let soon = Deadline::after(Duration::from_millis(1));
        match self.home.send_deadline(Message::new(NUMBER, &body(self.seed, 0, number)), soon) {
            Ok(()) => {
                self.note.write_all_at(&number.to_le_bytes(), NOTE_AT).unwrap();
                self.noted = number;
            }
            Err(refused) => assert_eq!(refused.failure(), SendFailure::TimedOut),
        }
    }

    /// Sends something to somebody: perhaps with a right to somebody's port, perhaps as a request.
    fn talk(&mut self) {
        if self.streams.is_empty() {
            return;
        }
        let gifts = self.gifts();
        let at = self.random.below(self.streams.len());
        let Stream { right, stream, sent } = &self.streams[at];
        let body = body(self.seed, *stream, sent + 1);
        let mut message = gifts.into_iter().fold(Message::new(TALK, &body), Message::with_right);
        let is_request = self.random.below(3) == 0;
        if is_request {
            message = message.reply_to(self.answers.make_send_once());
        }
        let mut failure = None;
        if let Err(refused) = right.send_deadline(message, Deadline::after(Duration::from_micros(500))) {
            failure = Some(refused.failure()); // its rights are dropped; the reply right comes to its end
        }
        if is_request {
            self.asked += 1;
        }
        match failure {
            None => self.streams[at].sent += 1,
            // The other does not read for a while: its queue is full, or all lanes to it are closing, or as
            // many ports are on their way to it as may be.
            Some(SendFailure::TimedOut | SendFailure::NoBuffer | SendFailure::NotMovable(_)) => {}
            Some(SendFailure::PortDied) => drop(self.streams.swap_remove(at)),
            Some(failure) => panic!("{failure}"),
        }
    }

    /// Rights to be given away.
    fn gifts(&mut self) -> Vec<Right> {
        let count = if self.is_generous { self.random.below(BUNDLE) } else { self.random.below(3) / 2 };
        (0..count).map(|_| if self.is_generous { self.any_right() } else { self.send_right(4) }).collect()
    }

    /// A send right: one in so many leads here.
    fn send_right(&mut self, own: usize) -> Right {
        let other = self.random.below(self.streams.len());
        match self.random.below(own) {
            0 => self.own.make_send().into(),
            _ => self.streams[other].right.clone().into(),
        }
    }

    fn any_right(&mut self) -> Right {
        match self.random.below(32) {
            0..=1 => self.send_right(usize::MAX),
            2..=20 => self.own.make_send().into(),
            21 => self.ports.pop().unwrap_or_else(|| self.task.allocate().unwrap()).into(),
            22..=24 if !self.owed.is_empty() => self.owed.pop_front().expect("there is one").into(),
            _ => {
                self.asked += 1;
                self.answers.make_send_once().into()
            }
        }
    }

    fn forget(&mut self) {
        if self.streams.len() > RIGHTS / 2 {
            let at = self.random.below(self.streams.len());
            self.streams.swap_remove(at);
        }
    }

    /// Answers a request, or drops its reply right; false if no answer is owed.
    fn answer(&mut self) -> bool {
        let Some(reply) = self.owed.pop_front() else { return false };
        if self.random.below(4) > 0
            && let Err(refused) = reply.send(Message::new(ANSWER, &[0x77; 70]))
        {
            assert!(matches!(refused.failure(), SendFailure::PortDied | SendFailure::NoBuffer), "{refused}");
        }
        true
    }

    /// Receives all that is there, and waits for something until `deadline`.
    fn hear(&mut self, deadline: Deadline) {
        let mut message = Received::new();
        let mut until = deadline;
        while self.own.receive_deadline(&mut message, until).is_ok() {
            until = Deadline::NOW;
            self.hear_one(&mut message);
        }
        while self.answers.try_receive(&mut message).is_ok() {
            match message.notification() {
                Some(notification) => assert_eq!(notification, Notification::SendOnce),
                None => assert_eq!((message.id(), message.body()), (ANSWER, &[0x77; 70][..]), "torn"),
            }
            self.asked = self.asked.checked_sub(1).expect("a request has one end");
        }
    }

    fn hear_one(&mut self, message: &mut Received) {
        if let Some(notification) = message.notification() {
            assert!(matches!(notification, Notification::NoSenders { .. }), "{notification:?}");
            assert!(!std::mem::replace(&mut self.is_alone, true), "once");
            return;
        }
        match message.id() {
            INTRODUCTION => {}
            FINISH => self.is_finishing = true,
            TALK => {
                let [seed, stream, number] = [0, 8, 16]
                    .map(|at| u64::from_le_bytes(message.body()[at..at + 8].try_into().expect("torn")));
                let heard = self.heard.entry((message.sender().pid, seed, stream)).or_default();
                assert_eq!(number, *heard + 1, "stream {stream} of {seed}: lost, twice or out of order");
                assert!(message.body() == body(seed, stream, number), "torn");
                *heard = number;
            }
            other => panic!("{other}"),
        }
        self.owed.extend(message.take_reply());
        for right in message.take_rights() {
            let kind = match right {
                Right::SendOnce(_) => 1,
                Right::Receive(_) => 2,
                _ => 0,
            };
            self.moved[kind] += 1;
            self.keep(right);
        }
        let bytes: Vec<u8> = self.moved.into_iter().flat_map(u64::to_le_bytes).collect();
        self.note.write_all_at(&bytes, MOVED_AT).unwrap();
    }

    /// Keeps a right, or lets go of it.
    fn keep(&mut self, right: Right) {
        match right {
            Right::Send(right) if self.streams.len() < RIGHTS && !self.is_finishing => {
                self.made += 1;
                self.streams.push(Stream { right, stream: self.made, sent: 0 });
            }
            Right::SendOnce(right) if self.owed.len() < KEPT => self.owed.push_back(right),
            Right::Receive(port) if self.ports.len() < KEPT && !self.is_finishing => self.ports.push(port),
            Right::Refused(error) => panic!("{error}"),
            _ => {}
        }
    }

    /// Gives everything back; goes on until everybody else has, too.
    fn finish(mut self) {
        self.streams.clear();
        self.ports.clear();
        let limit = Instant::now() + PATIENCE;
        while !(self.is_alone && self.asked == 0) && Instant::now() < limit {
            while self.answer() {}
            self.hear(Deadline::after(Duration::from_millis(5)));
        }
        assert!(self.is_alone, "all rights are given back, and some are counted");
        assert_eq!(self.asked, 0, "everybody lives, and some requests have no end");
        let after = self.own.try_receive(&mut Received::new());
        assert_eq!(after, Err(ReceiveError::TimedOut), "nothing comes after no-senders");
    }
}
