//! What a row of the table is.

use crate::failure::Failure;
use crate::measure::Measure;
use crate::side::Side;

/// One figure: what to run, where, how often, and what to hold it against.
pub(crate) struct Row {
    /// The name on the command line, in the table and in the JSON.
    pub(crate) name: &'static str,
    /// Bytes of one message, where messages are sent.
    pub(crate) payload: Option<u64>,
    /// How the receiving side waits.
    pub(crate) wait: Option<Wait>,
    /// The name of the row that this one is divided by.
    pub(crate) anchor: Option<&'static str>,
    /// Where the two processes run.
    pub(crate) place: Place,
    /// Measured operations in one repetition of a full run; the warm-up comes on top.
    pub(crate) count: u64,
    /// One repetition. Both processes call it, each with its own side.
    pub(crate) run: fn(&Side) -> Result<Measure, Failure>,
}

/// How a receiver waits for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It looks again and again.
    Spin,
    /// It sleeps in the kernel.
    Park,
    /// It spins as long as that pays off, then sleeps.
    Adaptive,
}

impl Wait {
    /// The word in the table and in the JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Wait::Spin => "spin",
            Wait::Park => "park",
            Wait::Adaptive => "adaptive",
        }
    }
}

/// Where the two processes of a row run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Each on a core of its own.
    TwoCores,
    /// Both on one core (or one of them has nothing to do).
    OneCore,
}
