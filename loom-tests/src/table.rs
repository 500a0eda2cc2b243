//! Every named ordering and every named step of the shipped code: what it is for, and which models
//! fail without it. A test holds this table and the sources equal, in both directions.

use Proof::{Fails, Relaxed, Unseen};

/// How it is known that the ordering or the step is needed.
#[derive(Clone, Copy, Debug)]
pub enum Proof {
    /// Without it each of these models must fail, and what it prints must contain the text beside it.
    Fails(&'static [(&'static str, &'static str)]),
    /// The load or store is relaxed as it stands; the named ordering beside it does the work.
    Relaxed,
    /// loom cannot see it, for this reason.
    Unseen(&'static str),
}

/// One named ordering or step.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name in `order!` or `step`.
    pub name: &'static str,
    /// Where it stands, from the workspace's root.
    pub file: &'static str,
    /// What it is paired with, or which rule it is.
    pub partner: &'static str,
    /// Why it must stand.
    pub proof: Proof,
}

const LANE_IN: &str = "shm-mach/src/ring/lane_in.rs";
const LANE_OUT: &str = "shm-mach/src/ring/lane_out.rs";
const REPLY: &str = "shm-mach/src/ring/reply.rs";
const TABLE: &str = "shm-mach/src/ipc/table.rs";
const STATE: &str = "shm-mach/src/ring/state.rs";
const GROUP: &str = "shm-mach/src/ring/group.rs";
const SAMPLES: &str = "shm-mach/src/ring/samples.rs";
const SLEEPERS: &str = "shm-mach/src/ring/sleepers.rs";
const MEMBERS: &str = "shm-mach/src/ring/members.rs";
const PREPOSTS: &str = "shm-mach/src/ring/preposts.rs";
const REGION: &str = "shm-mach/src/ring/region.rs";
const GATE: &str = "futex/src/gate.rs";
const RAW_LOCK: &str = "futex/src/raw_lock.rs";

/// What loom says of threads that all sleep.
const STUCK: &str = "deadlock";
/// What loom says of an access that another one should have happened before.
const RACE: &str = "Causality violation";
const NEVER_STALE: &str =
    "the model holds without it: loom shows no old field beside the last version. The argument stands alone";
const TORN: &str = "a torn row";
const MISSING: &str = "an earlier answer is missing";
const DISORDER: &str = "what followed was received first";
const TOO_MANY: &str = "more than the lowered limit";
const OLD_LIMIT: &str = "the old generation's limit was believed";

const fn row(name: &'static str, file: &'static str, partner: &'static str, proof: Proof) -> Row {
    Row { name, file, partner, proof }
}

/// The orderings.
pub const ORDERS: &[Row] = &[
    row("lock-take", RAW_LOCK, "lock-free", Fails(&[("lock::two_threads", RACE)])),
    row("lock-free", RAW_LOCK, "lock-take", Fails(&[("lock::two_threads", RACE)])),
    row("slot-publish", LANE_OUT, "slot-fence", Fails(&[("gate::sleeper", RACE), ("lane::reuse", RACE)])),
    row("slot-look", LANE_IN, "slot-fence", Relaxed),
    row("slot-fence", LANE_IN, "slot-publish", Fails(&[("gate::sleeper", RACE), ("lane::reuse", RACE)])),
    row("cursor-publish", LANE_IN, "cursor-fence", Fails(&[("lane::payload_again", RACE)])),
    row("cursor-load", LANE_OUT, "cursor-fence", Relaxed),
    row("cursor-fence", LANE_OUT, "cursor-publish", Fails(&[("lane::payload_again", RACE)])),
    row("region-read", REGION, "cursor-publish", Fails(&[("lane::region_again", RACE)])),
    row("flags-before", LANE_OUT, "none: a death may be seen late, by gate-light at the latest", Relaxed),
    row("flags-after", LANE_OUT, "gate-light", Relaxed),
    row("flags-store", LANE_IN, "flags-limit", Fails(&[("full::limit_of_a_generation", OLD_LIMIT)])),
    row("flags-limit", LANE_OUT, "flags-store", Fails(&[("full::limit_of_a_generation", OLD_LIMIT)])),
    row("drained-fence", LANE_OUT, "cursor-publish", Fails(&[("lane::reuse", RACE)])),
    row("full-raise", LANE_OUT, "gate-heavy", Relaxed),
    row("full-watch", LANE_OUT, "gate-heavy", Relaxed),
    row("cursor-rewatch", LANE_OUT, "gate-heavy", Relaxed),
    row("full-look", LANE_IN, "gate-light", Relaxed),
    row("full-look-state", LANE_IN, "gate-light", Relaxed),
    row("state-sample", LANE_OUT, "full-sample", Relaxed),
    row("cursor-sample", LANE_OUT, "full-sample", Relaxed),
    row("flags-full", LANE_OUT, "full-sample", Relaxed),
    row(
        "full-sample",
        LANE_OUT,
        "state-store, cursor-publish",
        Fails(&[("full::death", STUCK), ("full::adoption", STUCK)]),
    ),
    row(
        "state-store",
        LANE_IN,
        "full-sample",
        Fails(&[("full::death", STUCK), ("full::raised_limit", STUCK)]),
    ),
    row(
        "reply-flags-before",
        REPLY,
        "none: that nobody waits may be seen late, or never: the slot stays unused until it is answered",
        Relaxed,
    ),
    row(
        "reply-publish",
        REPLY,
        "reply-fence",
        Fails(&[("reply::publish_consume", RACE), ("reply::in_order", MISSING), ("reply::heap_again", RACE)]),
    ),
    row("reply-look", REPLY, "reply-fence", Relaxed),
    row(
        "reply-fence",
        REPLY,
        "reply-publish",
        Fails(&[("reply::publish_consume", RACE), ("reply::in_order", MISSING), ("reply::heap_again", RACE)]),
    ),
    row("reply-flags-after", REPLY, "gate-light", Relaxed),
    row("reply-flags", REPLY, "reply-consumed", Fails(&[("reply::heap_again", RACE)])),
    row("reply-consumed", REPLY, "reply-flags", Fails(&[("reply::heap_again", RACE)])),
    row(
        "reply-flags-stamp",
        REPLY,
        "none: who has learned of something else that came sees what was stored before it could come",
        Relaxed,
    ),
    row("table-own", TABLE, "none: only the writer, under its lock, changes it", Relaxed),
    row("table-odd", TABLE, "table-begin", Relaxed),
    row("table-begin", TABLE, "table-recheck", Fails(&[("table::in_one_piece", TORN)])),
    row("table-field", TABLE, "table-end or table-recheck", Relaxed),
    row("table-end", TABLE, "table-look", Unseen(NEVER_STALE)),
    row("table-version", TABLE, "table-look and table-recheck", Relaxed),
    row("table-look", TABLE, "table-end", Unseen(NEVER_STALE)),
    row("table-recheck", TABLE, "table-begin", Fails(&[("table::in_one_piece", TORN)])),
    row("bell-sample", SAMPLES, "bell-sample-fence", Relaxed),
    row(
        "bell-sample-fence",
        SAMPLES,
        "bell-bump",
        Fails(&[("gate::sleeper", STUCK), ("world::new_lane", STUCK)]),
    ),
    row(
        "bell-bump",
        LANE_OUT,
        "bell-sample-fence",
        Unseen(
            "the light side of the gate stands between the publication and the bump, and is a full \
             fence here: it releases. With a compiler fence there, only a CPU with weak stores can lose it",
        ),
    ),
];

/// The steps, each with the mutant that leaves it out.
pub const STEPS: &[Row] = &[
    row(
        "gate-light",
        GATE,
        "the waker fences between its store and its look",
        Fails(&[
            ("gate::sleeper", STUCK),
            ("full::interval", STUCK),
            ("full::death", STUCK),
            ("full::watched", STUCK),
            ("reply::armed_late", STUCK),
            ("lock::two_threads", STUCK),
        ]),
    ),
    row(
        "gate-heavy",
        GATE,
        "the sleeper fences between its store and its look",
        Fails(&[
            ("gate::sleeper", STUCK),
            ("full::interval", STUCK),
            ("full::death", STUCK),
            ("full::watched", STUCK),
            ("reply::armed_late", STUCK),
            ("lock::two_threads", STUCK),
        ]),
    ),
    row(
        "sample-before-look",
        GROUP,
        "bells and kick are sampled before the look, not after it",
        Fails(&[("world::new_lane", STUCK), ("world::news_lane", STUCK)]),
    ),
    row(
        "sample-before-rescan",
        GROUP,
        "and not after the second look either",
        Fails(&[("gate::sleeper", STUCK)]),
    ),
    row(
        "park-rescan",
        GROUP,
        "newly armed lanes and answers are looked at again after the heavy fence",
        Fails(&[("gate::sleeper", STUCK), ("reply::armed_late", STUCK), ("reply::beside_a_lane", STUCK)]),
    ),
    row(
        "arm-for-own-bell",
        LANE_IN,
        "a lane armed for another group's bell is armed again",
        Fails(&[("gate::moved", STUCK), ("set::moved", STUCK), ("set::dismissed", STUCK)]),
    ),
    row(
        "bell-count",
        LANE_OUT,
        "a ring counts the bell up before it wakes",
        Fails(&[("gate::sleeper", STUCK)]),
    ),
    row("bell-shared", LANE_OUT, "it does so by a read-modify-write", Fails(&[("gate::two_senders", STUCK)])),
    row(
        "kick-count",
        SLEEPERS,
        "a change inside the task counts the kick word up",
        Fails(&[("gate::local", STUCK), ("gate::insert", STUCK), ("reply::extended", STUCK)]),
    ),
    row(
        "pending-rings",
        LANE_OUT,
        "a sender that cannot know who sleeps rings the control bell",
        Fails(&[("world::pending", STUCK)]),
    ),
    row("kick-wake", GROUP, "and wakes it", Fails(&[("gate::local", STUCK), ("gate::insert", STUCK)])),
    row(
        "kick-sample-locked",
        GROUP,
        "the kick word is sampled under the lock, before the look",
        Fails(&[("gate::local", STUCK), ("gate::insert", STUCK)]),
    ),
    row(
        "hand-over",
        GROUP,
        "whoever leaves and finds no leader wakes a follower",
        Fails(&[("group::hand_over", STUCK), ("group::early", STUCK)]),
    ),
    row("hand-over-count", GROUP, "and counts its word up first", Fails(&[("group::hand_over", STUCK)])),
    row(
        "follower-leads-first",
        GROUP,
        "a follower whose time is up passes on a kick that it may have got",
        Fails(&[("group::cascade", STUCK)]),
    ),
    row(
        "sharing-rule",
        SLEEPERS,
        "who wakes on a shared bell kicks those who sleep on an older count",
        Fails(&[("world::shared_bell", STUCK)]),
    ),
    row(
        "sharing-after-timeout",
        SLEEPERS,
        "also when its time was up",
        Fails(&[("world::shared_bell_early", STUCK)]),
    ),
    row(
        "sharing-when-unchanged",
        SLEEPERS,
        "also when its own sample still stands",
        Fails(&[("world::shared_bell_newest", STUCK)]),
    ),
    row(
        "earlier-flags-say-nothing",
        REPLY,
        "flags of an earlier generation do not say that an answer was read",
        Fails(&[("reply::heap_again", RACE)]),
    ),
    row(
        "round-hears",
        GROUP,
        "a round knows the lanes that were opened before its horizon",
        Fails(&[("order::told_over_a_new_lane", DISORDER)]),
    ),
    row(
        "horizon-first",
        GROUP,
        "what was sent after the horizon waits for the next round",
        Fails(&[("order::told", DISORDER)]),
    ),
    row(
        "stamped-needs-horizon",
        STATE,
        "a sole sender that stamps knows of another way: its messages wait for a horizon",
        Fails(&[("order::gives_its_right_on", DISORDER)]),
    ),
    row(
        "publish-unasked",
        LANE_IN,
        "the cursor is published on time, not only when the full flag is up",
        Fails(&[("full::interval", STUCK)]),
    ),
    row(
        "lowered-limit-is-told",
        LANE_IN,
        "a sender with room learns of a lower limit before its next message",
        Fails(&[("full::lowered_before", TOO_MANY)]),
    ),
    row(
        "admit-unpublished",
        LANE_OUT,
        "a sender admits what the receiver may leave unpublished on top of the limit",
        Fails(&[("full::interval", STUCK)]),
    ),
    row(
        "watch-apart",
        LANE_OUT,
        "who has heard of room ends its own wish and not that of a sender that waits",
        Fails(&[("full::watched_apart", STUCK)]),
    ),
    row(
        "prepost",
        PREPOSTS,
        "a port that changes while nobody of a set looks at it tells the set",
        Fails(&[("set::local", STUCK), ("set::two_threads", STUCK)]),
    ),
    row("prepost-wake", PREPOSTS, "and wakes its leader", Fails(&[("set::local", STUCK)])),
    row(
        "preposts-before-sleep",
        PREPOSTS,
        "a leader that finds an entry does not sleep",
        Fails(&[("set::local", STUCK)]),
    ),
    row(
        "unknown-stay-hot",
        MEMBERS,
        "a member whose bell is not known yet is looked at whenever the world has rung",
        Fails(&[("set::pending", STUCK)]),
    ),
    row(
        "cool-rescan",
        MEMBERS,
        "a member is looked at once more before nobody looks at it",
        Fails(&[("set::sleeper", STUCK), ("set::local", STUCK)]),
    ),
    row(
        "bell-heats-members",
        MEMBERS,
        "a bell that was rung makes those look who rely on it",
        Fails(&[("set::sleeper", STUCK), ("set::one_link", STUCK)]),
    ),
    row(
        "armed-for-sets",
        STATE,
        "a lane that a set relies on stays armed, whoever takes its messages",
        Fails(&[("set::two_sets", STUCK)]),
    ),
    row(
        "cold-for-the-leader",
        MEMBERS,
        "who looks while the leader sleeps takes nothing away that it relies on",
        Fails(&[("set::half_a_ring", STUCK)]),
    ),
];

/// Rules whose breach is written into a model, because no code of ours could leave them out.
pub const RULES: &[Row] = &[
    row(
        "full-waits-on-state",
        "loom-tests/src/mail.rs",
        "a blocked sender sleeps on the state word too",
        Fails(&[("full::death", STUCK), ("full::raised_limit", STUCK)]),
    ),
    row(
        "news-ring",
        "loom-tests/src/mail.rs",
        "the first message of a lane rings the control bell, whatever the flags say",
        Fails(&[("world::new_lane", STUCK)]),
    ),
    row(
        "only-receiver-clears",
        "loom-tests/src/mail.rs",
        "only the receiver clears a lane's wish for a wake-up",
        Fails(&[("gate::sleeper", STUCK)]),
    ),
    row(
        "news-stay-armed",
        "loom-tests/src/office.rs",
        "a lane of news is not disarmed by a reader that does not know who is about to sleep",
        Fails(&[("world::news_lane", STUCK)]),
    ),
    row(
        "alone-ends-first",
        "loom-tests/src/models/order.rs",
        "a sole sender is told that it is not any more before another one is made",
        Fails(&[("order::no_longer_alone", DISORDER)]),
    ),
    row(
        "answers-end-alone",
        "loom-tests/src/models/order.rs",
        "who is to give the only thing that can come is told that it is not any more, before something else can",
        Fails(&[("order::no_longer_the_only_answer", DISORDER)]),
    ),
    row(
        "reuse-when-drained",
        "loom-tests/src/models/lane.rs",
        "a ring is used again only when its close record was read",
        Fails(&[("lane::reuse", RACE)]),
    ),
    row(
        "region-when-read",
        "loom-tests/src/models/lane.rs",
        "a region is written again only when its message was read",
        Fails(&[("lane::region_again", RACE)]),
    ),
    row(
        "begin-before-request",
        "loom-tests/src/models/reply.rs",
        "a bell that is asked for before the token goes out needs no fence",
        Fails(&[("reply::armed_first", STUCK)]),
    ),
    row(
        "begin-after-copy",
        "loom-tests/src/models/reply.rs",
        "a slot's next generation is begun only when the answer of the last one was copied",
        Fails(&[("reply::next_life_long", RACE)]),
    ),
    row(
        "reuse-when-answered",
        "loom-tests/src/models/reply.rs",
        "an abandoned reply slot is used again only when its token was answered",
        Fails(&[("reply::late_answer", "a late answer took the place of the next")]),
    ),
    row(
        "reuse-new-generation",
        "loom-tests/src/models/lane.rs",
        "and under a new generation",
        Fails(&[("lane::reuse", "flags of the old generation were believed")]),
    ),
];

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    ORDERS.iter().chain(STEPS).chain(RULES)
}
