//! What a port is called outside its task, and where a right to it leads.

/// The name of a port among all tasks, for as long as any of them lives.
///
/// It travels only with rights. The `secret` is random: who guesses the other three parts still
/// cannot make a right that merges into a name that a task already holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId {
    /// The task that made the port.
    pub birth: u64,
    /// Its number in that task.
    pub index: u32,
    /// Which of the lives of that number.
    pub generation: u32,
    /// 64 random bits.
    pub secret: u64,
}

/// The task that receives from a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiverId(pub u64);

/// Where a right leads: to a port of this task, or to a lane towards another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// The number of the link; 0: this task itself.
    pub segment: u32,
    /// Which life of what lies there; 0: the right leads nowhere (yet).
    pub generation: u32,
    /// Where the lane or the port lies in that segment.
    pub offset: u64,
}

impl Place {
    /// Nowhere: the caller has not said yet, or the port is dead.
    pub const NOWHERE: Self = Self { segment: 0, generation: 0, offset: 0 };
}
