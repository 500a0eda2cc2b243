//! The rules of the protocol, each of which can be switched off.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A flags a grant in R's page before it answers the issuer.
    FlagBeforeAnswer,
    /// R believes a grant of the task that the right is with, and of no other.
    HolderIsChecked,
    /// With the grant the issuer's own token ends.
    TokenIsTaken,
    /// R lets in the task that the right was granted to, and no other.
    ClaimantIsChecked,
    /// A claim of an unknown number waits while a flagged event has not arrived.
    ClaimsWait,
    /// So does a drop.
    DropsWait,
    /// The issuer may drop or grant again what it did not send.
    IssuerMayTakeBack,
    /// Not when A has told of the death of the one it was granted to.
    DeadKeepTheirs,
    /// A tells of a death after everything that it told before.
    DeathComesLast,
    /// What the dead had told over its link is acted on before its rights end.
    LastNewsCount,
    /// What the dead had published is received.
    DeadAreHeardOut,
    /// The right ends with the task that it was granted to.
    DestinationsDie,
    /// When an issuer is dead, R asks the destination whether the right has arrived.
    DeathIsSettled,
    /// A destination answers when it has received everything that the issuer had queued.
    AnswerAfterQueue,
    /// It answers over its link to R, if there is one, behind what it told before.
    AnswerInOrder,
    /// A right in a message that is destroyed unread is dropped.
    UnreadIsDropped,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    off: u32,
}

impl Rules {
    pub(crate) const FULL: Self = Self { off: 0 };

    pub(crate) fn without(self, rule: Rule) -> Self {
        Self { off: self.off | 1 << rule as u32 }
    }

    pub(crate) fn on(self, rule: Rule) -> bool {
        self.off & 1 << rule as u32 == 0
    }
}
