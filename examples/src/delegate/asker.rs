//! Asking another process, and waiting for its answer.

use shm_mach::{
    Message, Notification, ReceiveError, ReceiveRight, Received, Right, SendFailure, SendRight, Task,
};

use crate::protocol::{FAULT, HASH, Sent};

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum AskError {
    /// The question was not sent.
    NotSent(SendFailure),
    /// The answer cannot be received.
    NotReceived(ReceiveError),
    /// Whoever was asked has dropped the reply right, or is dead.
    NoAnswer,
    /// Whoever was asked has said what is wrong.
    Fault(String),
    /// The answer makes no sense.
    Nonsense,
}

impl std::error::Error for AskError {}

impl std::fmt::Display for AskError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotSent(failure) => write!(f, "not sent: {failure}"),
            Self::NotReceived(error) => write!(f, "not received: {error}"),
            Self::NoAnswer => f.write_str("no answer: the other side has died or let go"),
            Self::Fault(words) => f.write_str(words),
            Self::Nonsense => f.write_str("the other side talks nonsense"),
        }
    }
}

/// Asks others, one question at a time.
#[derive(Debug)]
pub(crate) struct Asker {
    replies: ReceiveRight,
    answer: Received,
    pub(crate) sent: Sent,
}

impl Asker {
    pub(crate) fn new(task: &Task) -> Result<Self, shm_mach::PortError> {
        Ok(Self { replies: task.allocate()?, answer: Received::new(), sent: Sent::default() })
    }

    /// Sends a question with a fresh send-once right to answer by, and waits for the answer.
    pub(crate) fn ask(&mut self, to: &SendRight, id: i32, body: &[u8]) -> Result<&mut Received, AskError> {
        self.ask_with(to, Message::new(id, body))
    }

    /// As [`ask`](Self::ask), with a message that may carry rights.
    pub(crate) fn ask_with(
        &mut self,
        to: &SendRight,
        message: Message<'_>,
    ) -> Result<&mut Received, AskError> {
        let rights = u64::from(carries_right(message.id()));
        let message = message.reply_to(self.replies.make_send_once());
        if let Err(error) = to.send(message) {
            let failure = error.failure();
            // The reply right came back with the question. Dropped, it says so to the port for
            // replies: that is heard now, so that it is not taken for the next question's answer.
            drop(error);
            let _ = self.replies.try_receive(&mut self.answer);
            return Err(AskError::NotSent(failure));
        }
        self.sent.messages += 1;
        self.sent.rights += 1 + rights;
        self.replies.receive(&mut self.answer).map_err(AskError::NotReceived)?;
        match self.answer.notification() {
            Some(Notification::SendOnce) => return Err(AskError::NoAnswer),
            Some(_) => return Err(AskError::Nonsense),
            None => {}
        }
        if self.answer.id() == FAULT {
            return Err(AskError::Fault(String::from_utf8_lossy(self.answer.body()).into_owned()));
        }
        Ok(&mut self.answer)
    }
}

/// Whether a question carries a send right besides its reply right.
fn carries_right(id: i32) -> bool {
    id == HASH
}

/// The one send right that a message carries.
pub(crate) fn take_right(message: &mut Received) -> Result<SendRight, AskError> {
    message.take_rights().pop().and_then(Right::into_send).ok_or(AskError::Nonsense)
}
