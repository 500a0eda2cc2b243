//! `mach_msg` between tasks, one test a row of Mach's semantics. Messages are built here byte by byte, by
//! what C declares, and not by the code that is tested.
//!
//! Two tasks are mostly in this process, so that what each holds is known at each step; `processes`
//! has real ones.

#[path = "mach_rows/body.rs"]
mod body;
#[path = "mach_rows/destroyed.rs"]
mod destroyed;
#[path = "mach_rows/header.rs"]
mod header;
#[path = "mach_rows/hostile.rs"]
mod hostile;
#[path = "mach_rows/memory.rs"]
mod memory;
#[path = "mach_rows/moving.rs"]
mod moving;
#[path = "mach_rows/notified.rs"]
mod notified;
#[path = "mach_rows/processes.rs"]
mod processes;
#[path = "mach_rows/properties.rs"]
mod properties;
#[path = "mach_rows/receive.rs"]
mod receive;
#[path = "mach_rows/replies.rs"]
mod replies;
#[path = "mach_rows/returned.rs"]
mod returned;
#[path = "mach_rows/trailers.rs"]
mod trailers;
#[path = "mach_rows/vectors.rs"]
mod vectors;

mod common;

use common::meet::Pair;
use shm_mach::authority::Embedded;
use shm_mach::mach::{Address, Call, Code, Options, Raw};
use shm_mach::{Message, Received, Right, RightKind, Task, TypeBits};

const COMPLEX: u32 = 0x8000_0000;
const MOVE_RECEIVE: u32 = 16;
const MOVE_SEND: u32 = 17;
const MOVE_SEND_ONCE: u32 = 18;
const COPY_SEND: u32 = 19;
const MAKE_SEND: u32 = 20;
const MAKE_SEND_ONCE: u32 = 21;
const NULL: u32 = 0;
const DEAD: u32 = u32::MAX;

/// The longest that a test waits for what must come, in milliseconds.
const SOON: u32 = 20_000;

/// Two tasks that are linked. `to`: the first task's only send right, under a name, to the port `port` of
/// the other, which that has under a name too.
struct Two {
    one: Task,
    other: Task,
    to: u32,
    port: u32,
    _pair: Pair,
}

fn two() -> Two {
    let authority = Embedded::start().unwrap();
    let pair = Pair::new(|| authority.connect().unwrap(), &shm_mach::Options::default());
    let (port, to) = pair.port_of_other();
    let (to, port) = (to.into_name().get(), port.into_name().get());
    Two { one: pair.task.clone(), other: pair.other.clone(), to, port, _pair: pair }
}

/// A task by itself.
fn alone() -> Task {
    common::meet::attached()
}

/// A new port of the task's, by name.
fn port(task: &Task) -> u32 {
    task.allocate().unwrap().into_name().get()
}

/// A new port, and under the same name a send right to it.
fn port_with_send(task: &Task) -> u32 {
    let port = task.allocate().unwrap();
    port.make_send().into_name();
    port.into_name().get()
}

/// A send-once right to a port of the task's, under a name of its own.
fn send_once(task: &Task, port: u32) -> u32 {
    let right = task.with_receive_right(raw(port), |port| port.make_send_once()).unwrap();
    right.into_name(task).unwrap().get()
}

fn raw(name: u32) -> shm_mach::RawName {
    shm_mach::RawName(name)
}

fn kind(task: &Task, name: u32) -> Option<TypeBits> {
    task.right_type(raw(name)).ok()
}

fn refs(task: &Task, name: u32, kind: RightKind) -> u16 {
    task.get_refs(raw(name), kind).unwrap_or(0)
}

/// A message that is to be sent, byte by byte.
#[derive(Clone, Debug, Default, PartialEq)]
struct Bytes(Vec<u8>);

impl Bytes {
    /// A header: dispositions of destination and reply, their names, and an id.
    fn header(bits: (u32, u32), remote: u32, local: u32, id: u32) -> Self {
        let size_that_nobody_may_believe = 0xdead_beef;
        let words = [bits.0 | bits.1 << 8, size_that_nobody_may_believe, remote, local, 0, id];
        words.iter().fold(Self::default(), |bytes, word| bytes.word(*word))
    }

    /// To `to` by a copy of its right, without a reply.
    fn to(to: u32, id: u32) -> Self {
        Self::header((COPY_SEND, 0), to, NULL, id)
    }

    /// With descriptors, which follow.
    fn complex(mut self, count: u32) -> Self {
        self.0[3] |= 0x80;
        self.word(count)
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn word(self, word: u32) -> Self {
        self.raw(&word.to_le_bytes())
    }

    fn voucher(mut self, word: u32, disposition: u8) -> Self {
        self.0[2] = disposition;
        self.0[16..20].copy_from_slice(&word.to_le_bytes());
        self
    }

    fn port(self, name: u32, disposition: u32) -> Self {
        self.word(name).word(0).raw(&[0, 0, disposition as u8, 0])
    }

    /// Memory: where, how many bytes, deallocate, copy option.
    fn memory(self, at: u64, size: u32, deallocate: u8, copy: u8) -> Self {
        self.raw(&at.to_le_bytes()).raw(&[deallocate, copy, 0, 1]).word(size)
    }

    fn ports(self, at: u64, count: u32, deallocate: u8, disposition: u32) -> Self {
        self.raw(&at.to_le_bytes()).raw(&[deallocate, 1, disposition as u8, 2]).word(count)
    }

    /// Sends it; the buffer shows what came back.
    fn send_with(&mut self, task: &Task, options: Options, timeout: u32) -> Code {
        let send_size = self.0.len() as u32;
        let call = Call { options: Options::SEND_MSG | options, send_size, timeout, ..Call::default() };
        task.mach_msg(&mut self.0, &call)
    }

    fn send(&mut self, task: &Task) -> Code {
        self.send_with(task, Options::NONE, 0)
    }

    /// The same by its address, as a C program would.
    fn send_raw(&mut self, task: &Task) -> Code {
        let (options, send_size) = (Options::SEND_MSG, self.0.len() as u32);
        let at = Address(self.0.as_mut_ptr().addr() as u64);
        task.mach_msg_raw(promise(), at, at, &Call { options, send_size, ..Call::default() })
    }
}

/// What a C program promises.
fn promise() -> Raw {
    common::sys::promise()
}

/// A received message: the buffer as the call left it.
#[derive(Clone, Debug)]
struct Got {
    code: Code,
    bytes: Vec<u8>,
}

/// Receives with these options, into so much room.
fn receive_with(task: &Task, from: u32, options: Options, room: usize, timeout: u32) -> Got {
    let mut bytes = vec![0xaa; room];
    let options = Options::RCV_MSG | Options::RCV_TIMEOUT | options;
    let (receive_size, receive_name) = (room as u32, raw(from));
    let call = Call { options, receive_size, receive_name, timeout, ..Call::default() };
    let code = task.mach_msg(&mut bytes, &call);
    Got { code, bytes }
}

/// The next message, which must come.
#[track_caller]
fn receive(task: &Task, from: u32) -> Got {
    let got = receive_with(task, from, Options::NONE, 4096, SOON);
    assert_eq!(got.code, Code::SUCCESS);
    got
}

/// Nothing is there.
#[track_caller]
fn is_empty(task: &Task, from: u32) {
    let got = receive_with(task, from, Options::NONE, 4096, 0);
    assert_eq!(got.code, Code::RCV_TIMED_OUT, "{got:?}");
}

impl Got {
    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    fn long(&self, at: usize) -> u64 {
        u64::from(self.word(at)) | u64::from(self.word(at + 4)) << 32
    }

    fn bits(&self) -> u32 {
        self.word(0)
    }

    fn size(&self) -> usize {
        self.word(4) as usize
    }

    fn remote(&self) -> u32 {
        self.word(8)
    }

    fn local(&self) -> u32 {
        self.word(12)
    }

    fn id(&self) -> u32 {
        self.word(20)
    }

    /// From offset `from` to the end of the message.
    fn from(&self, from: usize) -> &[u8] {
        &self.bytes[from..self.size()]
    }

    /// The trailer.
    fn trailer(&self) -> &[u8] {
        let at = self.size().next_multiple_of(4);
        let size = self.word(at + 4) as usize;
        &self.bytes[at..at + size]
    }
}

/// The memory at an address, which was received.
#[track_caller]
fn memory_at(at: u64, size: usize) -> Vec<u8> {
    common::sys::read_at(at, size).expect("memory that was mapped")
}
