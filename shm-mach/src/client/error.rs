//! Why a call failed. Each variant names its cause and its historic Mach code.

use crate::client::message::Message;
use crate::client::once_right::SendOnceRight;

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
    /// A signal came while the queue was full, and the call was told to end then: by `mach_msg` with
    /// `SEND_INTERRUPT`. No other call is.
    #[error("a signal came while the queue was full")]
    Interrupted,
    /// The body is longer than any message's may be: 64 MiB.
    #[error("a body of {length} bytes is longer than {longest}, the most that is copied")]
    TooLarge {
        /// Bytes of the body.
        length: usize,
        /// The most that is possible.
        longest: usize,
    },
    /// The message carries more rights than one message can.
    #[error("{count} rights in one message, at most {most} are possible")]
    TooManyRights {
        /// How many it carries.
        count: usize,
        /// The most that is possible.
        most: usize,
    },
    /// The message carries a right to a port of a third task, and no authority is there to introduce
    /// the destination to it.
    #[error("a right to another task's port cannot be passed on without an authority")]
    NotIntroduced,
    /// The authority is needed for this send, and it is dead or answers nonsense: the first to that task,
    /// one that passes a right on, one whose long body needs a new region, or one that waits for room at a task that has not answered the first
    /// yet and never will.
    #[error("the authority is needed to reach the port's task, and is gone")]
    NoAuthority,
    /// There is no lane, no payload area, no region or no memory left for this right. Dropping rights to
    /// ports of the same task helps; for a body that needs a region, that the task reads what it was sent.
    #[error("no lane, payload area or region is left on the link to the port's task")]
    NoBuffer,
    /// The message carries a receive right that cannot be moved there now.
    #[error("a receive right cannot be moved: {0}")]
    NotMovable(Immovable),
    /// This process is a forked child of the one that the right belongs to.
    #[error("the right belongs to the parent process: a forked child must attach by itself")]
    Forked,
}

/// Why a receive right cannot be moved. All but the last two are about moves to another task alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Immovable {
    /// Another task has a send right to the port, or the authority keeps a name for it.
    #[error("others have send rights to the port")]
    HeldElsewhere,
    /// There are send-once rights to the port.
    #[error("there are send-once rights to the port")]
    AnswersAwaited,
    /// Messages lie in its queue.
    #[error("messages lie in the port's queue")]
    NotEmpty,
    /// A notification about it was asked for, or one of another port is to come to it.
    #[error("a notification is asked for at the port")]
    Requested,
    /// It is a right of another task of this process.
    #[error("the right belongs to another task of this process")]
    OtherTask,
    /// It was made so.
    #[error("the right is bound to its task")]
    Restricted,
}

impl SendFailure {
    /// The `mach_msg_return_t` that Mach returns for this cause.
    pub fn code(&self) -> u32 {
        match self {
            Self::PortDied | Self::Revoked | Self::Forked => 0x1000_0003,
            Self::TimedOut => 0x1000_0004,
            Self::Interrupted => 0x1000_0007,
            Self::NoBuffer => 0x1000_000d,
            Self::TooLarge { .. } | Self::TooManyRights { .. } => 0x1000_000e,
            Self::NotIntroduced | Self::NotMovable(_) => 0x1000_000a,
            Self::NoAuthority => 0x1000_0003,
        }
    }
}

/// A message that was not sent, whole, with the reason.
#[derive(Debug, thiserror::Error)]
#[error("not sent: {failure}")]
pub struct SendError<'a> {
    failure: SendFailure,
    message: Message<'a>,
    right: Option<SendOnceRight>,
}

impl<'a> SendError<'a> {
    pub(crate) fn new(failure: SendFailure, message: Message<'a>) -> Self {
        Self { failure, message, right: None }
    }

    pub(crate) fn with_right(self, right: SendOnceRight) -> Self {
        Self { right: Some(right), ..self }
    }

    /// Why it was not sent.
    pub fn failure(&self) -> SendFailure {
        self.failure
    }

    /// The message with its rights, to be sent again or elsewhere.
    pub fn into_message(self) -> Message<'a> {
        self.message
    }

    /// The message, and the send-once right that it was to be sent with, if that is still good.
    pub fn into_parts(self) -> (Message<'a>, Option<SendOnceRight>) {
        (self.message, self.right)
    }
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// No message came before the deadline, or none was there if the call does not wait.
    #[error("no message before the deadline")]
    TimedOut,
    /// A signal came while this thread waited, and the call was told to end then: by `mach_msg` with
    /// `RCV_INTERRUPT`. No other call is.
    #[error("a signal came before a message")]
    Interrupted,
    /// The receive right was destroyed while this thread waited.
    #[error("the port died while it was waited for")]
    PortDied,
    /// The port is in an exclusive set: receive from that.
    #[error("the port is in a set that its messages are received from")]
    InSet,
    /// The port came into an exclusive set while this thread waited.
    #[error("the port came into a set while it was waited for")]
    PortChanged,
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
            Self::Interrupted => 0x1000_4005,
            Self::PortDied | Self::PortChanged => 0x1000_4006,
            Self::InSet => 0x1000_400a,
        }
    }
}
