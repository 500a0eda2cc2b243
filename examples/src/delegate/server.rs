//! The file server: opens files for the client that it has started, and serves reads of each open
//! file at a port of its own, to whoever holds a right to that.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process::Child;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shm_mach::{
    Deadline, Message, Notification, Options, ReceiveError, ReceiveRight, Received, SendOnceRight, Task,
};

use crate::protocol::{
    ACCOUNT, Account, DATA, DONE, FAULT, OPEN, OPENED, Open, Plan, READ, READ_MOST, Read, Seen, Sent, decode,
    encode,
};
use crate::{Arguments, Outcome, Role, launch};

/// How often the server looks whether the client lives, should nothing else tell it.
const TICK: Duration = Duration::from_secs(1);
/// How long the last holders of files may take to be gone before the server tells what it knows.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Server {
    task: Task,
    requests: ReceiveRight,
    sent: Sent,
    files: Vec<JoinHandle<Served>>,
}

/// What came of one open file, once nobody has a right to it any more.
#[derive(Debug, Default)]
struct Served {
    sent: Sent,
    revoked: u64,
    readers: BTreeMap<u32, Seen>,
}

/// Starts the client, which alone gets a right to this server, and serves it until it is gone.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let (task, _) = Task::attach(&Options::default())?;
    let requests = task.allocate()?;
    let socket = task.prepare_child(&requests)?;
    let mut client =
        launch::Killed(launch::attached(Role::Client, socket).args(launch::passed_on(arguments)).spawn()?);
    requests.request_no_senders(1, &requests);
    let mut server = Server { task, requests, sent: Sent::default(), files: Vec::new() };
    server.serve(&mut client.0)?;
    let status = client.0.wait()?;
    if status.code().is_none() {
        eprintln!("delegate: the client has died: {status}");
    }
    Ok(launch::exit_code(status))
}

impl Server {
    fn serve(&mut self, client: &mut Child) -> Result<()> {
        let mut message = Received::new();
        loop {
            match self.requests.receive_deadline(&mut message, Deadline::after(TICK)) {
                Ok(()) => {}
                Err(ReceiveError::TimedOut) if client.try_wait()?.is_none() => continue,
                Err(ReceiveError::TimedOut) => return Ok(()),
                Err(error) => return Err(Error::other(error)),
            }
            if let Some(Notification::NoSenders { .. }) = message.notification() {
                return Ok(());
            }
            let Some(reply) = message.take_reply() else { continue };
            let from = Seen::from(message.sender());
            if from.pid != client.id() {
                self.answer(reply, Message::new(FAULT, b"you are not the client"));
                continue;
            }
            match message.id() {
                OPEN => self.open(&message, reply),
                ACCOUNT => {
                    let account = self.account(from);
                    self.answer(reply, Message::new(DONE, &encode(&account)));
                }
                _ => self.answer(reply, Message::new(FAULT, b"no such request")),
            }
        }
    }

    fn answer(&mut self, reply: SendOnceRight, message: Message<'_>) {
        self.sent.rights += u64::from(message.id() == OPENED);
        // Whoever has asked may have died since.
        self.sent.messages += u64::from(reply.send(message).is_ok());
    }

    /// Opens a file, and answers with a right to a new port that stands for it.
    fn open(&mut self, message: &Received, reply: SendOnceRight) {
        let opened = decode::<Open>(message.body()).map_err(Error::other).and_then(|open| {
            let (file, size) = open_regular(Path::new(OsStr::from_bytes(&open.path)))?;
            let half = Plan::of(size, open.revoke).half;
            let port = self.task.allocate().map_err(Error::other)?;
            let right = port.make_send();
            port.request_no_senders(1, &port);
            let thread = std::thread::Builder::new().name("open file".to_owned());
            self.files.push(thread.spawn(move || serve_file(&file, &port, half))?);
            Ok((size, right))
        });
        match opened {
            Ok((size, right)) => {
                self.answer(reply, Message::new(OPENED, &size.to_le_bytes()).with_right(right));
            }
            Err(error) => self.answer(reply, Message::new(FAULT, reason(&error).as_bytes())),
        }
    }

    /// Waits until nobody has a right to any open file any more, and adds up.
    fn account(&mut self, client: Seen) -> Account {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && !self.files.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let opened = self.files.len() as u64;
        let (mut readers, mut closed, mut revoked) = (BTreeMap::new(), 0, 0);
        for served in self.files.drain(..).filter(JoinHandle::is_finished).filter_map(|file| file.join().ok())
        {
            closed += 1;
            revoked += served.revoked;
            self.sent.messages += served.sent.messages;
            readers.extend(served.readers);
        }
        let sent = Sent { messages: self.sent.messages + 1, ..self.sent };
        Account { sent, opened, closed, revoked, client, readers: readers.into_values().collect() }
    }
}

/// Serves reads of one file until no task has a right to its port any more; then the file is closed.
fn serve_file(file: &File, port: &ReceiveRight, revoke_after: Option<u64>) -> Served {
    let mut served = Served::default();
    let mut message = Received::new();
    let mut buffer = vec![0; READ_MOST];
    let mut reads = 0;
    while port.receive(&mut message).is_ok() {
        if let Some(Notification::NoSenders { .. }) = message.notification() {
            break;
        }
        let Some(reply) = message.take_reply() else { continue };
        served.readers.insert(message.sender().pid, message.sender().into());
        let read = Read::decode(message.body()).filter(|_| message.id() == READ);
        let data = read.ok_or(ErrorKind::InvalidInput.into()).and_then(|read| {
            let buffer = &mut buffer[..read.length as usize];
            read_at(file, buffer, read.offset)
        });
        reads += 1;
        // Before the answer: whoever has it finds its right revoked.
        if Some(reads) == revoke_after && port.revoke(message.sender()) {
            served.revoked += 1;
        }
        let sent = match &data {
            Ok(length) => reply.send(Message::new(DATA, &buffer[..*length])).is_ok(),
            Err(error) => reply.send(Message::new(FAULT, reason(error).as_bytes())).is_ok(),
        };
        served.sent.messages += u64::from(sent);
    }
    served
}

/// Opens a regular file; anything else is refused, and is neither waited for nor opened if it can be
/// seen beforehand.
fn open_regular(path: &Path) -> Result<(File, u64)> {
    let check = |metadata: std::fs::Metadata| match metadata {
        regular if regular.is_file() => Ok(regular.len()),
        folder if folder.is_dir() => Err(ErrorKind::IsADirectory.into()),
        _ => Err(Error::other("not a regular file")),
    };
    check(std::fs::metadata(path)?)?;
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let size = check(file.metadata()?)?;
    Ok((file, size))
}

/// Reads until `buffer` is full or the file ends.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], offset + length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// An error as other programs word it: without the number.
fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "No such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "Permission denied".to_owned(),
        ErrorKind::IsADirectory => "Is a directory".to_owned(),
        _ => error.to_string(),
    }
}
