//! What the models look for, and the search that they share with others.

pub(crate) use crate::breadth_first::search;

pub(crate) type Step = crate::breadth_first::Step<u8>;
pub(crate) type Look<S> = crate::breadth_first::Look<S, Wrong, u8>;
pub(crate) type Search = crate::breadth_first::Search<Wrong>;

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wrong {
    /// A message that was acknowledged, or a right in one, is gone though its port lives.
    Lost,
    /// A message was received twice.
    Twice,
    /// A message was received that its sender never sent, or never sent to this port.
    Forged,
    /// A message was received before one that it followed.
    Order,
    /// A message was received though its send was refused.
    Ghost,
    /// A task waits, and nothing will end that.
    Stuck,
    /// A sender takes a port for dead that lives.
    CutOff,
    /// No-senders fired while a right lived or was on its way.
    Early,
    /// A notification that is due does not come.
    Missing,
    /// A port lives that nobody can ever receive from.
    Leaked,
}
