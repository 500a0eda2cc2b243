//! Why a call failed. Each variant names its cause and its historic Mach code.

use crate::client::message::Message;

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendFailure {
    /// The port is dead: its receive right was destroyed, or its task died.
    #[error("the port is dead")]
    PortDied,
    /// The receiver has revoked this task's rights to the port.
    #[error("the right was revoked by the port's receiver")]
    Revoked,
    /// The queue was full until the deadline passed, or at once if the call does not wait.
    #[error("the queue was full until the deadline")]
    TimedOut,
    /// The body is longer than any message over this link may be.
    #[error("a body of {length} bytes is longer than {longest}, the most that is copied")]
    TooLarge {
        /// Bytes of the body.
        length: usize,
        /// The most that is possible.
        longest: usize,
    },
    /// There is no lane, no payload area or no memory left for this right. Dropping rights to ports
    /// of the same task helps.
    #[error("no lane or payload area is left on the link to the port's task")]
    NoBuffer,
    /// This process is a forked child of the one that the right belongs to.
    #[error("the right belongs to the parent process: a forked child must attach by itself")]
    Forked,
}

impl SendFailure {
    /// The `mach_msg_return_t` that Mach returns for this cause.
    pub fn code(&self) -> u32 {
        match self {
            Self::PortDied | Self::Revoked | Self::Forked => 0x1000_0003,
            Self::TimedOut => 0x1000_0004,
            Self::NoBuffer => 0x1000_000d,
            Self::TooLarge { .. } => 0x1000_000e,
        }
    }
}

/// A message that was not sent, whole, with the reason.
#[derive(Debug, thiserror::Error)]
#[error("not sent: {failure}")]
pub struct SendError<'a> {
    failure: SendFailure,
    message: Message<'a>,
}

impl<'a> SendError<'a> {
    pub(crate) fn new(failure: SendFailure, message: Message<'a>) -> Self {
        Self { failure, message }
    }

    /// Why it was not sent.
    pub fn failure(&self) -> SendFailure {
        self.failure
    }

    /// The message, to be sent again or elsewhere.
    pub fn into_message(self) -> Message<'a> {
        self.message
    }
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// No message came before the deadline, or none was there if the call does not wait.
    #[error("no message before the deadline")]
    TimedOut,
    /// The receive right was destroyed while this thread waited.
    #[error("the port died while it was waited for")]
    PortDied,
    /// The port's senders are in more tasks than one sleep can watch.
    #[error("the port has senders in more tasks than one sleep can watch (about 120)")]
    TooManyLinks,
    /// This process is a forked child of the one that the right belongs to.
    #[error("the right belongs to the parent process: a forked child must attach by itself")]
    Forked,
}

impl ReceiveError {
    /// The `mach_msg_return_t` that Mach returns for this cause.
    pub fn code(&self) -> u32 {
        match self {
            Self::Forked => 0x1000_4002,
            Self::TimedOut => 0x1000_4003,
            Self::TooManyLinks => 0x1000_4013,
            Self::PortDied => 0x1000_4006,
        }
    }
}

/// Why a call about ports failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// The queue limit is more than 1,024.
    #[error("a queue limit of {limit} is more than {most}")]
    InvalidLimit {
        /// The limit asked for.
        limit: u32,
        /// The most that is possible.
        most: u32,
    },
    /// The task already has as many ports as it can have.
    #[error("the task has no room for another port")]
    NoSpace,
    /// This process is a forked child of the one that the right belongs to.
    #[error("the right belongs to the parent process: a forked child must attach by itself")]
    Forked,
}

impl PortError {
    /// The `kern_return_t` that Mach returns for this cause.
    pub fn code(&self) -> i32 {
        match self {
            Self::InvalidLimit { .. } => 18,
            Self::NoSpace => 3,
            Self::Forked => 16,
        }
    }
}
