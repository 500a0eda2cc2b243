//! A soak with an authority: tasks send each other messages, requests and rights at random, and are
//! killed at random, again and again. What a send to the survivor acknowledged is received; everybody
//! checks what it receives; no request comes to two ends; and when all is over, every right is counted
//! back, and the authority has what it had at first.
//!
//! `SHM_MACH_SEED` repeats the choices of a run (not their interleaving), `SHM_MACH_SOAK_SECONDS` and
//! `SHM_MACH_SOAK_RIGHTS` make it longer.

mod common;
#[path = "soak_rights/player.rs"]
mod player;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use common::census::{Census, alone, role_beside};
use common::meet::{send_rights, soon};
use common::random::Random;
use common::watchdog::Watchdog;
use common::{Peer, spawn_noting, sys};
use player::{FINISH, HELLO, INTRODUCTION, KINDS, MOVED_AT, NOTE_AT, NUMBER, body, options};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};
use shm_mach::{Message, Notification, ReceiveRight, Received, SendRight, Task};

/// Players at a time, and for how long there are new ones.
const PLAYERS: usize = 6;
const SECONDS: u64 = 8;
/// Rights of all kinds that are to move, in the soak that counts them.
const RIGHTS: u64 = 1_000_000;

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// What came of all players together.
#[derive(Debug, Default)]
struct Sums {
    killed: u64,
    finished: u64,
    acknowledged: u64,
    received: u64,
    introduced: u64,
    /// Rights that came to players: send, send-once, receive.
    moved: [u64; KINDS],
}

/// A player, alive or not, as the survivor knows it.
struct Player {
    process: Peer,
    seed: u64,
    /// Its special right leads here, and no other right.
    port: ReceiveRight,
    right: Option<SendRight>,
    /// The number of its last send that has returned.
    note: File,
    received: u64,
    die_at: Instant,
    is_dead: bool,
    /// All that it had sent was received.
    is_over: bool,
}

struct Survivor {
    task: Task,
    /// The test, and what its players are to do.
    test: &'static str,
    temper: &'static str,
    random: Random,
    players: Vec<Player>,
    sums: Sums,
}

impl Survivor {
    fn bear(&mut self) {
        let port = self.task.allocate().unwrap();
        let note = rustix::fs::memfd_create(c"note", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let seed = self.random.next() >> 16;
        let socket = self.task.prepare_child(&port).unwrap();
        let role = format!("{} {seed}", self.temper);
        let process = spawn_noting(self.test, &role, socket, note.try_clone().unwrap());
        port.request_no_senders(0, &port);
        let die_at = Instant::now() + Duration::from_millis(30 + self.random.below(1500) as u64);
        self.players.push(Player {
            process,
            seed,
            port,
            right: None,
            note: File::from(note),
            received: 0,
            die_at,
            is_dead: false,
            is_over: false,
        });
    }

    /// Receives what has come, kills whose time has come, and forgets who is dead and read to the end.
    fn turn(&mut self) {
        let mut message = Received::new();
        for at in 0..self.players.len() {
            while self.players[at].port.try_receive(&mut message).is_ok() {
                self.act_on(at, &mut message);
            }
        }
        for player in &mut self.players {
            if !player.is_dead && Instant::now() > player.die_at {
                player.process.0.kill().unwrap();
                let status = player.process.0.wait().unwrap();
                assert_eq!(status.signal(), Some(9), "player {} has failed: {status}", player.seed);
                player.is_dead = true;
                self.sums.killed += 1;
            }
        }
        self.players.retain(|player| !(player.is_dead && player.is_over));
    }

    fn act_on(&mut self, at: usize, message: &mut Received) {
        let player = &mut self.players[at];
        if let Some(notification) = message.notification() {
            assert!(matches!(notification, Notification::NoSenders { .. }), "{notification:?}");
            return player.end(&mut self.sums);
        }
        assert_eq!(message.sender().pid, player.process.0.id(), "attested");
        match message.id() {
            HELLO => {
                let right = send_rights(message).next().expect("it gives a right to its port");
                self.introduce(at, right);
            }
            NUMBER => {
                player.received += 1;
                let whole = body(player.seed, 0, player.received);
                assert!(message.body() == whole, "player {}: lost, twice, torn or out of order", player.seed);
            }
            other => panic!("{other}"),
        }
    }

    /// Lets everybody know everybody. Whoever is dead by now need not.
    fn introduce(&mut self, at: usize, right: SendRight) {
        for other in &self.players {
            let Some(to_other) = &other.right else { continue };
            for (to, of) in [(to_other, &right), (&right, to_other)] {
                let introduction = Message::new(INTRODUCTION, b"").with_right(of.clone());
                self.sums.introduced += u64::from(to.send_deadline(introduction, soon()).is_ok());
            }
        }
        self.players[at].right = Some(right);
    }

    /// Nobody is killed any more: all give everything back and end by themselves.
    fn finish(&mut self) {
        self.bear(); // at least one is there to finish, however slow the others were born
        for player in &mut self.players {
            player.die_at = Instant::now() + Duration::from_secs(3600);
        }
        while !self.players.is_empty() {
            for player in self.players.iter_mut().filter(|player| !player.is_dead) {
                if let Some(right) = player.right.take() {
                    right.send_deadline(Message::new(FINISH, b""), soon()).unwrap();
                }
                if player.is_over {
                    let status = player.process.0.wait().unwrap();
                    assert!(status.success(), "player {} has failed: {status}", player.seed);
                    player.is_dead = true;
                    self.sums.finished += 1;
                }
            }
            self.turn();
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Player {
    /// A number that it has noted: 0 if none.
    fn noted(&self, at: u64) -> u64 {
        let mut number = [0; 8];
        let _ = rustix::io::pread(&self.note, &mut number, at).unwrap();
        u64::from_le_bytes(number)
    }

    fn moved(&self) -> [u64; KINDS] {
        std::array::from_fn(|kind| self.noted(MOVED_AT + 8 * kind as u64))
    }

    fn end(&mut self, sums: &mut Sums) {
        let acknowledged = self.noted(NOTE_AT);
        for (sum, moved) in sums.moved.iter_mut().zip(self.moved()) {
            *sum += moved;
        }
        let more = self.received.checked_sub(acknowledged);
        // One message may be published and not yet acknowledged.
        assert!(
            more.is_some_and(|more| more <= 1),
            "{acknowledged} acknowledged, {} received",
            self.received
        );
        sums.acknowledged += acknowledged;
        sums.received += self.received;
        self.right = None;
        self.is_over = true;
    }
}

/// A `machd`, and what connects to it.
fn authority() -> (Peer, impl Fn() -> OwnedFd) {
    let socket =
        || socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    let name = format!("shm-mach-soak/{}", std::process::id());
    let address = SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap();
    let listener = socket();
    bind(&listener, &address).unwrap();
    listen(&listener, 16).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_machd"));
    let process = sys::tied(command.arg("fd:0").stdin(listener)).spawn().unwrap();
    let connected = move || {
        let socket = socket();
        rustix::net::connect(&socket, &address).unwrap();
        socket
    };
    (Peer(process), connected)
}

/// Lets players play until `is_enough`, then finish; fails if anything is left in anybody's accounts.
fn soak(test: &'static str, temper: &'static str, is_enough: impl Fn(&Survivor, Duration) -> bool) -> Sums {
    let seed = from_environment("SHM_MACH_SEED", u64::from(std::process::id()));
    eprintln!("seed {seed}");
    let (machd, connect) = authority();
    let id = machd.0.id();
    drop(Task::attach_to(connect(), &options()).unwrap()); // it has started
    while Census::of(id).segments > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (here, there) = (Census::here(), Census::of(id));

    let task = Task::attach_to(connect(), &options()).unwrap().0;
    let (random, players, sums) = (Random::new(seed), Vec::new(), Sums::default());
    let mut survivor = Survivor { task, test, temper, random, players, sums };
    let begin = Instant::now();
    while !is_enough(&survivor, begin.elapsed()) {
        if survivor.players.iter().filter(|player| !player.is_dead).count() < PLAYERS {
            survivor.bear();
        }
        survivor.turn();
        std::thread::sleep(Duration::from_millis(1));
    }
    survivor.finish();
    let Survivor { task, sums, .. } = survivor;
    let names = task.names().unwrap();
    assert!(names.is_empty(), "{names:?}");
    drop(task);
    here.expect_again(std::process::id(), "the survivor");
    there.expect_again(id, "the authority");
    eprintln!("{sums:?}");
    sums
}

/// The life of a player: its role says how it is to be, and its seed.
fn play(role: &str) {
    let (temper, seed) = role.split_once(' ').unwrap();
    player::play(seed.parse().unwrap(), temper == "generous");
}

/// Fails if an acknowledged message is lost, one comes twice, torn or out of order on any right, a
/// request has two ends, or none though everybody lives, or a task, a right, a name or a link is left in
/// anybody's accounts.
#[test]
fn rights_and_messages_survive_their_holders() {
    const NAME: &str = "rights_and_messages_survive_their_holders";
    if let Some(role) = role_beside() {
        return play(&role);
    }
    if alone(NAME) {
        return;
    }
    let seconds = from_environment("SHM_MACH_SOAK_SECONDS", SECONDS);
    let _watchdog = Watchdog::start(NAME, seconds + 120);
    let sums = soak(NAME, "frugal", |_, elapsed| elapsed.as_secs() >= seconds);
    assert!(sums.killed > 10 && sums.finished > 0 && sums.acknowledged > 1000 && sums.introduced > 50);
}

/// The same with a million rights of all kinds, by the bundle: made, passed on to third tasks, moved, used,
/// dropped, and left behind by the dead.
#[test]
fn a_million_rights_move_and_none_is_left() {
    const NAME: &str = "a_million_rights_move_and_none_is_left";
    if let Some(role) = role_beside() {
        return play(&role);
    }
    if alone(NAME) {
        return;
    }
    let rights = from_environment("SHM_MACH_SOAK_RIGHTS", RIGHTS);
    let _watchdog = Watchdog::start(NAME, 300 + rights / 2000);
    let sums = soak(NAME, "generous", |survivor, _| {
        let playing = survivor.players.iter().filter(|player| !player.is_over);
        playing.flat_map(Player::moved).chain(survivor.sums.moved).sum::<u64>() >= rights
    });
    assert!(sums.moved.iter().sum::<u64>() >= rights && sums.killed > 5 && sums.finished > 0);
    assert!(sums.moved.iter().all(|moved| *moved >= rights / 1000), "some of every kind");
}
