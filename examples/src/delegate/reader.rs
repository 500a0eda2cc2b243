//! The reader: knows nobody but the client, gives up all it can, and hashes what it is given rights
//! to.

use std::process::ExitCode;
use std::time::Instant;

use hdrhistogram::Histogram;
use sha2::{Digest, Sha256};
use shm_mach::{Message, Notification, Options, ReceiveError, Received, SendFailure, SendRight, Task};

use crate::asker::{AskError, Asker, take_right};
use crate::attempts;
use crate::protocol::{
    DATA, DONE, END, FAULT, HASH, Hash, Hashed, READ, READY, Read, Ready, Sent, Summary, TRY, decode, encode,
};
use crate::sandbox::{self, Layer};
use crate::{Arguments, Outcome};

/// The longest round trip that is told from longer ones, in nanoseconds.
const TRIP_MOST: u64 = 100_000_000_000;

struct Reader {
    task: Task,
    server: Asker,
    /// How long the first read took, and the others.
    first: Option<u64>,
    trips: Histogram<u64>,
    bytes: u64,
    /// What became of giving up the rest, once that was done.
    sealed: Option<String>,
    sent: Sent,
    spare: Vec<Layer>,
}

/// Serves the client, at a port that it gets, until it says that this was all, or is gone.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let given_up = sandbox::enter(arguments)?;
    // Only now: the authority attests what this process is from here on.
    let (task, client) = Task::attach(&Options::default())?;
    let client = client.ok_or("started without a channel to a client")?;
    let inbox = task.allocate()?;
    let right = inbox.make_send();
    inbox.request_no_senders(1, &inbox);
    client
        .send(Message::new(READY, &encode(&Ready { given_up })).with_right(right))
        .map_err(|error| error.failure())?;
    drop(client);
    let server = Asker::new(&task)?;
    let sent = Sent { messages: 1, rights: 1 };
    let trips = Histogram::new_with_bounds(1, TRIP_MOST, 3)?;
    let mut reader = Reader {
        task,
        server,
        first: None,
        trips,
        bytes: 0,
        sealed: None,
        sent,
        spare: arguments.spare.clone(),
    };
    let mut message = Received::new();
    loop {
        inbox.receive(&mut message)?;
        if let Some(Notification::NoSenders { .. }) = message.notification() {
            return Err("the client is gone".into());
        }
        let Some(reply) = message.take_reply() else { continue };
        let is_end = message.id() == END;
        let (id, body) = match reader.serve(&mut message) {
            Ok(body) => (DONE, body),
            Err(error) => (FAULT, error.to_string().into_bytes()),
        };
        reader.sent.messages += 1;
        reply.send(Message::new(id, &body)).map_err(|error| error.failure())?;
        if is_end {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

impl Reader {
    fn serve(&mut self, message: &mut Received) -> Result<Vec<u8>, AskError> {
        match message.id() {
            TRY => {
                let list = decode(message.body())?;
                Ok(encode(&attempts::make_all(list, Some(&self.task))))
            }
            HASH => {
                let wanted = decode(message.body())?;
                let file = take_right(message)?;
                // The right is dropped before the client hears of it.
                let result = self.hash(&file, &wanted);
                drop(file);
                result.map(|hashed| encode(&hashed))
            }
            END => Ok(encode(&self.summary())),
            _ => Err(AskError::Nonsense),
        }
    }

    /// Reads the whole file, or until the right is revoked if that is what is to be shown.
    fn hash(&mut self, file: &SendRight, wanted: &Hash) -> Result<Hashed, AskError> {
        let mut digest = Sha256::new();
        let (mut offset, mut reads) = (0, 0);
        loop {
            let data = match self.read(file, offset, wanted.step) {
                Err(AskError::NotSent(failure @ SendFailure::Revoked))
                    if wanted.revoked_after == Some(reads) =>
                {
                    return Ok(Hashed::Revoked { reads, error: failure.to_string(), code: failure.code() });
                }
                other => other?,
            };
            let length = data.len() as u64;
            digest.update(data);
            (offset, reads) = (offset + length, reads + 1);
            self.bytes += length;
            match wanted.revoked_after {
                Some(most) if reads > most => {
                    return Err(AskError::Fault("the right was revoked, and still works".to_owned()));
                }
                None if length < u64::from(wanted.step) => break,
                _ => {}
            }
        }
        Ok(Hashed::Digest(digest.finalize().into()))
    }

    fn read(&mut self, file: &SendRight, offset: u64, length: u32) -> Result<&[u8], AskError> {
        let start = Instant::now();
        let question = Read { offset, length }.encode();
        let answer = self.server.ask(file, READ, &question)?;
        let trip = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        match self.first {
            None => self.first = Some(trip),
            Some(_) => self.trips.saturating_record(trip),
        }
        if answer.id() != DATA {
            return Err(AskError::Nonsense);
        }
        // The link to the server stands: nothing needs a file or a new descriptor any more.
        self.sealed.get_or_insert_with(|| sandbox::seal(&self.spare));
        Ok(answer.body())
    }

    fn summary(&self) -> Summary {
        Summary {
            sent: Sent {
                messages: self.sent.messages + self.server.sent.messages + 1,
                rights: self.sent.rights + self.server.sent.rights,
            },
            bytes: self.bytes,
            reads: self.trips.len() + u64::from(self.first.is_some()),
            first: self.first.unwrap_or(0),
            round_trip: [0.5, 0.99, 0.999].map(|part| self.trips.value_at_quantile(part)),
            uid: rustix::process::geteuid().as_raw(),
            sealed: self.sealed.clone().unwrap_or_else(|| "nothing was read".to_owned()),
        }
    }
}

impl From<ReceiveError> for AskError {
    fn from(error: ReceiveError) -> Self {
        Self::NotReceived(error)
    }
}
