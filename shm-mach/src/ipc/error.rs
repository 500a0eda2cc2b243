//! Why a call on a port or a name is refused.

use thiserror::Error;

/// Why a call on a port or a name is refused. Nothing has changed then.
///
/// One variant for each cause; [`code`](Self::code) is the `kern_return_t` that Mach gives for it,
/// and several causes share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum PortError {
    /// The space was torn down with its task.
    #[error("the task is gone")]
    TaskGone,
    /// Every index that the table has is in use, or a chosen index lies past its end.
    #[error("no name is left in the table")]
    NoSpace,
    /// No memory for a larger table.
    #[error("no memory for another name")]
    ResourceShortage,
    /// No entry has this name: it never had one, it is of an older generation, or it is NULL or
    /// DEAD where only an entry will do.
    #[error("no right has this name")]
    UnknownName,
    /// The entry is there, but not with the right that the call needs.
    #[error("the name does not stand for the right that this needs")]
    NoSuchRight,
    /// The receive right is guarded, and this call does not know the guard.
    #[error("the receive right is guarded")]
    Guarded,
    /// The receive right may not leave its task.
    #[error("the receive right cannot be moved")]
    Immovable,
    /// A send right was to be made of a name that is dead.
    #[error("the port is dead")]
    DeadPort,
    /// The number of a right that does not exist.
    #[error("there is no such kind of right")]
    BadRight,
    /// The disposition cannot be used here.
    #[error("the disposition does not fit the call")]
    BadDisposition,
    /// A change of user references that is too large, or below nothing, or not allowed for a right
    /// that is not counted.
    #[error("the user references cannot change by so much")]
    BadDelta,
    /// NULL or DEAD was chosen as a new name.
    #[error("NULL and DEAD are never names of a right")]
    ReservedName,
    /// A chosen name without the two low bits that every name has.
    #[error("the two low bits of a name must be set")]
    BadNameBits,
    /// A chosen name with index 0, which is never handed out.
    #[error("index 0 is reserved")]
    ReservedIndex,
    /// The index of a chosen name is in use with another generation.
    #[error("the index is in use with another generation")]
    OtherGeneration,
    /// The chosen name is in use.
    #[error("the name is in use")]
    NameExists,
    /// The space holds a right to this port under another name, and they share one.
    #[error("the right is held under another name")]
    RightExists,
    /// A request on NULL or DEAD, or a dead-name request on a name that is dead already.
    #[error("nothing is left here to wait for")]
    NothingToAwait,
    /// `sync` is not 0 where it means nothing.
    #[error("sync is not 0")]
    BadSync,
    /// A request that stays is there already: it is neither replaced nor taken back.
    #[error("there is a request already, and it stays")]
    RequestStays,
    /// The reference belongs to a handle of the program, which gives it up by being dropped.
    #[error("the reference belongs to a handle")]
    Pinned,
    /// The receive right is another task's.
    #[error("the receive right belongs to another task")]
    OtherTask,
    /// The port is in this set already, or it is in another and one of the two is exclusive.
    #[error("the port is in a set already")]
    AlreadyInSet,
    /// The port is not in this set.
    #[error("the port is not in this set")]
    NotInSet,
    /// The port is no timer.
    #[error("the port is no timer")]
    NotATimer,
    /// A port's task cannot be reached: the authority is gone, or there is no memory for a link.
    #[error("the port's task cannot be reached")]
    Unreachable,
    /// The queue limit is more than 1,024.
    #[error("a queue limit of {limit} is more than {most}")]
    InvalidLimit {
        /// The limit asked for.
        limit: u32,
        /// The most that is possible.
        most: u32,
    },
    /// The port has a context other than 0, so it cannot be guarded.
    #[error("the port has a context already")]
    HasContext,
    /// The port is not guarded, or not as strictly as the call wants it.
    #[error("the port is not guarded")]
    NotGuarded,
    /// The port is guarded with another value.
    #[error("the port is guarded with another value")]
    WrongGuard,
    /// The guard forbids to read and to change the context.
    #[error("the port is strictly guarded")]
    StrictGuard,
    /// No message is queued, or the next one has another number.
    #[error("there is no such message")]
    NoSuchMessage,
    /// The array is too short for the flavour.
    #[error("too few words for this flavour")]
    TooFewWords,
    /// The flavour does not exist, or not for this call.
    #[error("there is no such flavour")]
    UnknownFlavor,
    /// The port is no service's.
    #[error("the port is no service port")]
    NotService,
    /// Kinds of port that exclude each other.
    #[error("a port is of one kind")]
    ExclusiveKinds,
    /// The kind of port needs a label, or the name of a service.
    #[error("a port of this kind needs a label")]
    NoLabel,
    /// Only the system makes ports of this kind.
    #[error("ports of this kind are not made here")]
    Denied,
    /// Nothing but send-once rights is made of a reply port.
    #[error("the port is for replies")]
    ForReplies,
    /// A prototype that is not NULL.
    #[error("there are no prototypes")]
    BadProto,
    /// A name was chosen where the call does not allow it.
    #[error("a name cannot be chosen in this call")]
    NameChosen,
    /// This process is a forked child of the one that the right belongs to.
    #[error("the right belongs to the parent process: a forked child must attach by itself")]
    Forked,
}

impl PortError {
    /// Mach's `kern_return_t`.
    pub const fn code(&self) -> i32 {
        match self {
            Self::NoSpace => 3,
            Self::NothingToAwait
            | Self::HasContext
            | Self::NotGuarded
            | Self::WrongGuard
            | Self::StrictGuard
            | Self::UnknownFlavor
            | Self::ExclusiveKinds
            | Self::NoLabel
            | Self::NameChosen
            | Self::NotATimer => 4,
            Self::ReservedIndex
            | Self::OtherGeneration
            | Self::TooFewWords
            | Self::NoSuchMessage
            | Self::RequestStays => 5,
            Self::ResourceShortage | Self::Unreachable => 6,
            Self::AlreadyInSet => 11,
            Self::NotInSet => 12,
            Self::NameExists => 13,
            Self::UnknownName | Self::OtherTask => 15,
            Self::TaskGone | Self::Forked => 16,
            Self::NoSuchRight | Self::Guarded => 17,
            Self::BadRight
            | Self::BadDisposition
            | Self::BadDelta
            | Self::ReservedName
            | Self::BadProto
            | Self::BadNameBits
            | Self::InvalidLimit { .. }
            | Self::BadSync => 18,
            Self::Immovable | Self::DeadPort | Self::Pinned | Self::NotService | Self::ForReplies => 20,
            Self::RightExists => 21,
            Self::Denied => 53,
        }
    }
}
