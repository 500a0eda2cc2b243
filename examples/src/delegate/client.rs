//! The client: asks the server to open files, and hands the rights on to the reader that it has
//! started.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::time::Duration;

use shm_mach::{Deadline, Message, Options, ReceiveError, ReceiveRight, Received, SendRight, Task};

use crate::asker::{AskError, Asker, take_right};
use crate::attempts::{self, Attempt, Decoys};
use crate::protocol::{
    ACCOUNT, Account, END, HASH, Hash, Hashed, OPEN, Open, Plan, READY, Ready, Seen, Summary, TRY, Tried,
    decode, encode,
};
use crate::report::{self, Report};
use crate::sandbox::Layer;
use crate::{Arguments, Outcome, Role, launch};

/// How long the reader may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(10);

struct Client {
    server: SendRight,
    reader: SendRight,
    asker: Asker,
}

/// What became of a file.
enum Done {
    Digest([u8; 32]),
    Revoked { reads: u64, error: String, code: u32 },
}

/// Hashes the files, and prints what there is to print.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let (task, server) = Task::attach(&Options::default())?;
    let server = server.ok_or("started without a right to the server")?;
    let channel = task.allocate()?;
    let mut child = start_reader(&task, &channel, &arguments.spare)?;
    let (ready, reader) = await_reader(&channel, &mut child.0)?;
    let mut client = Client { server, reader, asker: Asker::new(&task)? };

    let mut report = Report { given_up: ready.given_up, ..Report::default() };
    report.tried = client.attempts(arguments, &mut report.outside)?;
    let mut is_good = report.tried.iter().all(|tried| tried.refused.is_some());
    if is_good {
        for file in &arguments.files {
            match client.hash(file, arguments.revoke) {
                Ok(Done::Digest(digest)) => report::print_digest(&digest, file)?,
                Ok(Done::Revoked { reads, error, code }) => {
                    report::print_revoked(file, reads, &error, code);
                }
                Err(error) => {
                    eprintln!("delegate: {}: {error}", file.display());
                    is_good = false;
                }
            }
        }
    }
    report.summary = Some(decode::<Summary>(client.asker.ask(&client.reader, END, &[])?.body())?);
    let status = await_end(&mut child.0)?;
    let account: Account = decode(client.asker.ask(&client.server, ACCOUNT, &[])?.body())?;
    report.sent = client.asker.sent;
    report.reader = child.0.id();
    let faults = faults(&report, &account, arguments.revoke);
    report.account = Some(account);
    report.print();
    for fault in &faults {
        eprintln!("delegate: {fault}");
    }
    let all_good = is_good && faults.is_empty() && status.success();
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the reader with a channel to this process and nothing else.
fn start_reader(
    task: &Task,
    channel: &ReceiveRight,
    spare: &[Layer],
) -> Result<launch::Killed, Box<dyn std::error::Error>> {
    let socket = task.prepare_child(channel)?;
    let mut command = launch::attached(Role::Reader, socket);
    let variable = "SHM_MACH_AUTHORITY";
    command
        .args(launch::spared(spare))
        .env_clear()
        .env(variable, "fd:0")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = launch::Killed(command.current_dir("/").spawn()?);
    channel.request_no_senders(1, channel);
    Ok(child)
}

fn await_reader(
    channel: &ReceiveRight,
    child: &mut Child,
) -> Result<(Ready, SendRight), Box<dyn std::error::Error>> {
    let mut message = Received::new();
    match channel.receive_deadline(&mut message, Deadline::after(PATIENCE)) {
        Ok(()) if message.id() == READY && message.sender().pid == child.id() => {}
        Ok(()) => return Err(format!("the reader has not started: {}", child.wait()?).into()),
        Err(ReceiveError::TimedOut) => return Err("the reader does not say that it is ready".into()),
        Err(error) => return Err(error.into()),
    }
    let ready = decode(message.body())?;
    Ok((ready, take_right(&mut message)?))
}

fn await_end(child: &mut Child) -> std::io::Result<std::process::ExitStatus> {
    let deadline = Deadline::after(PATIENCE);
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(status),
            None if deadline.has_passed() => return Err(std::io::Error::other("the reader does not end")),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

impl Client {
    /// Has the reader try what it must not succeed with. Tries the same from here, where nothing but
    /// the file may stand in the way, and says what works.
    fn attempts(
        &mut self,
        arguments: &Arguments,
        outside: &mut Vec<Attempt>,
    ) -> Result<Vec<Tried>, Box<dyn std::error::Error>> {
        let decoys = Decoys::open()?;
        let server = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get() as u32);
        let absolute = |file: &PathBuf| std::path::absolute(file).unwrap_or_else(|_| file.clone());
        let files = arguments.files.iter().map(absolute);
        let mut list: Vec<Attempt> =
            files.map(|file| Attempt::Open(file.as_os_str().as_bytes().to_vec())).collect();
        list.extend(decoys.attempts()?);
        list.push(Attempt::Authority(arguments.authority.clone()));
        list.push(Attempt::Signal(server));
        list.push(Attempt::LookUp("file-server".to_owned()));
        let here = attempts::make_all(list.clone(), None).into_iter();
        outside.extend(here.filter(|tried| tried.refused.is_none()).map(|tried| tried.attempt));
        Ok(decode(self.asker.ask(&self.reader, TRY, &encode(&list))?.body())?)
    }

    /// Has the server open a file and the reader hash it.
    fn hash(&mut self, file: &Path, revoke: bool) -> Result<Done, AskError> {
        let open = Open { path: file.as_os_str().as_bytes().to_vec(), revoke };
        let answer = self.asker.ask(&self.server, OPEN, &encode(&open))?;
        let size = answer.body().try_into().map(u64::from_le_bytes).map_err(|_| AskError::Nonsense)?;
        let right = take_right(answer)?;
        let Plan { step, half } = Plan::of(size, revoke);
        let wanted = encode(&Hash { step, revoked_after: half });
        let message = Message::new(HASH, &wanted).with_right(right);
        match decode(self.asker.ask_with(&self.reader, message)?.body())? {
            Hashed::Digest(digest) => Ok(Done::Digest(digest)),
            Hashed::Revoked { reads, error, code } => Ok(Done::Revoked { reads, error, code }),
        }
    }
}

/// What is wrong with what the others have reported.
fn faults(report: &Report, account: &Account, is_revoked: bool) -> Vec<String> {
    let mut faults = Vec::new();
    for tried in report.tried.iter().filter(|tried| tried.refused.is_none()) {
        faults.push(format!("the reader was able to {}", tried.attempt));
    }
    if account.closed != account.opened {
        faults.push(format!("{} files opened, {} closed", account.opened, account.closed));
    }
    if is_revoked && account.revoked != account.opened {
        faults.push(format!("{} files opened, {} rights revoked", account.opened, account.revoked));
    }
    let is_reader = |seen: &Seen| seen.pid == report.reader;
    if account.readers.len() > 1 || !account.readers.iter().all(is_reader) {
        faults.push(format!("not only the reader ({}) has read: {:?}", report.reader, account.readers));
    }
    faults
}
