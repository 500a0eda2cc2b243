//! The rules of the protocol, each of which can be switched off.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A flags a grant in R's page before it answers the issuer.
    FlagBeforeAnswer,
    /// Before R acts on a return it acts on the events that have arrived.
    EventsBeforeNews,
    /// A return waits while a flagged event has not arrived.
    ReturnsWait,
    /// So does a claim that the table does not cover.
    ClaimsWait,
    /// News that wait keep their place: what follows waits behind them.
    NewsStayInOrder,
    /// A tells of a death after everything that it told before.
    DeathComesLast,
    /// R believes a grant if its issuer is covered.
    IssuerIsCovered,
    /// R lets in only whom its table covers.
    ClaimsAreJudged,
    /// A lane counts until its close record is read.
    LanesCount,
    /// What the dead had told over its link is acted on before its rights end.
    LastNewsCount,
    /// What the dead had published is received.
    DeadAreHeardOut,
    /// R enters a right before it publishes the message.
    MintBeforePublish,
    /// A right whose message is refused is taken out again.
    RefusedIsUnminted,
    /// When an issuer is dead, R asks its destinations what they have of it.
    DeathIsSettled,
    /// A destination answers when it has received everything that the issuer had queued.
    AnswerAfterQueue,
    /// It answers over its link to R, if there is one, behind the news that it told before.
    AnswerInOrder,
    /// A return says who had passed the right on; R ignores one that the settlement has ended.
    ReturnNamesIssuer,
    /// The rights in messages that a dying port destroys are given back.
    UnreadIsReleased,
    /// So are those in messages that were published after that, when the sender is done.
    AbandonedIsReleased,
    /// Who drops its last right hands the grants that it did not use to their destinations, which
    /// give them back.
    SpareIsHandedOn,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) off: u32,
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
