//! The rules of the protocol, each of which can be switched off.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    // The queue.
    /// A receiver that gives a port away reads nothing more from it.
    ReadsNoMore,
    /// The word that a sender looks at after it has published is the authority's, not its receiver's.
    PageIsTheAuthoritys,
    /// The authority changes the page, with a heavy fence, before it reads where a lane ends.
    RingBeforeCut,
    /// It tells nobody where the port is before all lanes are cut.
    TellAfterAllCuts,
    /// The new receiver takes the port for its own when everybody else was told.
    CompleteIsLast,
    /// What was carried is received before what comes over new lanes.
    CarryComesFirst,
    /// What was carried of several senders is received in the order of its stamps.
    CarryKeepsOrder,
    /// A message before the cut is not sent again.
    CarriedIsNotSentAgain,
    /// One behind it is.
    RestIsSentAgain,
    /// A sender uses a lane that was cut again when the authority has copied it.
    CopiedBeforeReuse,
    /// The authority keeps what a dead sender has written as long as its reader lives.
    HalvesOfTheDeadAreKept,
    /// Who sleeps on a full lane is rung by the authority.
    SleepersAreRung,
    /// Nothing is carried whose memory its sender uses again.
    FreedIsLookedAt,
    /// Nothing is carried of a lane that its sender says is another port's.
    LaneNamesItsPort,
    /// A sender that finds another port's name in its page hears of the cuts before.
    EarlierCutsAreHeard,
    /// Who hears of a cut has dealt with that change of the page, and with none behind it.
    CutsAreCounted,
    /// A flag that says dead is believed if the page has not changed.
    DeathIsAskedFor,
    /// So is a cursor that shows room.
    RoomIsAskedFor,

    // Who counts the rights.
    /// The authority moves a port only if its receiver has acted on all that it was told.
    MoverIsUpToDate,
    /// What the holders had told the old receiver, and it had not read, is carried.
    NewsAreCarried,
    /// What they tell it later they tell the new one again.
    NewsAreToldAgain,
    /// What they ask of the authority reaches the port where it is.
    GrantsFollow,
    /// A right that still names the old receiver is followed when it is first used.
    UsesFollow,
    /// The new receiver hears what it was given before it hears those who were told of it.
    HostedFirst,
    /// Rights of the old receiver's own, and those on their way to it, become a holder's.
    OwnRightsAreHeld,
    /// The request for no-senders goes along.
    RequestsGoAlong,
    /// So do the send-once rights that are out.
    TokensGoAlong,
    /// So does the count of grants that a settlement may have to end.
    OpenGrantsGoAlong,
    /// The count is judged again when the port has arrived.
    ArrivalIsJudged,
    /// Holders and the new receiver hear of each other's deaths.
    AllAreAcquainted,

    // Rights inside of carried messages.
    /// Their ports' receivers hear whom they go to before that task can see them.
    TransfersComeFirst,
    /// And before they hear that the old receiver is dead.
    DeathAfterTransfers,
    /// If the new receiver is dead they are given back in the old one's name.
    DestroyedIsGivenBack,

    // Ports in messages to ports.
    /// Room is asked for before the message with the right is published.
    OfferFirst,
    /// A message with a right that was not moved yet is not received.
    HeadWaits,
    /// Ports on their way to a port that moves go along with it.
    QueuedGoAlong,
    /// A right that would go round in a circle is destroyed, and its port with it.
    CirclesAreDestroyed,
    /// Ports on their way to a port that dies die as well.
    DeathGoesDown,
    /// A port that would die with a message goes to where its port-destroyed request says.
    DestroyedAreRescued,

    // A port that is its receiver's alone, as the code moves it.
    /// Its receiver sends the message when the authority has answered, and so has told the new one.
    AnsweredFirst,
    /// It closes the port before it publishes the message.
    ClosesFirst,
    /// It looks again then whether anything lies in the queue.
    LooksAgain,
    /// Who was offered a port hears when it will not come.
    WithdrawalsAreTold,
    /// A port that was offered and has not come ends with who has offered it.
    OffersEnd,
    /// But not before all that one had sent was received.
    HeardOutFirst,
    /// The new receiver counts the old one as a sender, if it says so.
    GiverIsCounted,
    /// It hears what it was told before it looks for the port that has come.
    ArrivalHears,
    /// And before it judges a claim to a port that it does not know.
    ClaimsWait,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    off: u64,
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
