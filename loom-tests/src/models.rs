//! The models, by what they are about.

pub mod full;
pub mod gate;
pub mod group;
pub mod lane;
pub mod lock;
pub mod order;
pub mod reply;
pub mod set;
pub mod table;
pub mod world;

/// A model: a scenario with assertions, run in every interleaving.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Its name, as on the command line and in the table of orderings.
    pub name: &'static str,
    /// The scenario.
    pub run: fn(),
    /// How many preemptions an execution may have.
    pub preemptions: usize,
}

macro_rules! models {
    ($($module:ident :: $name:ident, $preemptions:literal;)*) => {
        /// Every model.
        pub const MODELS: &[Model] = &[$(Model {
            name: concat!(stringify!($module), "::", stringify!($name)),
            run: $module::$name,
            preemptions: $preemptions,
        },)*];
    };
}

models! {
    lane::publish_consume, 3;
    lane::slot_again, 3;
    lane::payload_again, 3;
    lane::region_again, 3;
    lane::death_against_push, 3;
    lane::reuse, 3;
    lane::close_when_full, 3;
    lock::two_threads, 3;
    lock::three_threads, 2;
    lock::refused_fence, 3;
    full::exact, 3;
    full::interval, 3;
    full::death, 3;
    full::raised_limit, 3;
    full::adoption, 3;
    full::lowered_limit, 3;
    full::lowered_before, 3;
    full::payload, 3;
    full::limit_of_a_generation, 3;
    full::watched, 3;
    full::watched_apart, 3;
    gate::sleeper, 3;
    gate::spinner, 3;
    gate::two_senders, 2;
    gate::local, 3;
    gate::insert, 3;
    gate::moved, 3;
    gate::death_against_receive, 3;
    gate::refused_fence, 2;
    group::two_waiters, 2;
    group::hand_over, 2;
    group::early, 2;
    group::cascade, 2;
    order::told, 2;
    order::told_over_a_new_lane, 2;
    order::no_longer_alone, 2;
    order::gives_its_right_on, 2;
    order::answered, 2;
    order::an_answer_follows, 2;
    order::no_longer_the_only_answer, 2;
    reply::publish_consume, 3;
    reply::in_order, 3;
    reply::drop_against_abandon, 3;
    reply::dropped, 3;
    reply::armed_late, 3;
    reply::armed_first, 3;
    reply::beside_a_lane, 2;
    reply::extended, 3;
    reply::late_answer, 3;
    reply::next_life, 3;
    reply::next_life_long, 3;
    reply::stamps, 2;
    reply::heap_again, 3;
    set::sleeper, 2;
    set::local, 2;
    set::admitted, 2;
    set::moved, 2;
    set::dismissed, 2;
    set::beside_a_receiver, 2;
    set::two_threads, 2;
    set::two_sets, 2;
    set::one_link, 2;
    set::early, 2;
    set::half_a_ring, 2;
    set::pending, 3;
    set::in_rounds, 2;
    table::in_one_piece, 2;
    world::shared_bell, 2;
    world::shared_bell_early, 2;
    world::shared_bell_newest, 2;
    world::new_lane, 3;
    world::news_lane, 2;
    world::new_lane_for_another, 2;
    world::pending, 3;
    world::completed, 3;
}

impl Model {
    /// The model of that name.
    pub fn named(name: &str) -> Option<Self> {
        MODELS.iter().find(|model| model.name == name).copied()
    }
}
