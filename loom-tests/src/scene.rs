//! What surrounds the groups of a model: the control bells, the news, who sleeps.

use futex::Gate;
use futex::sync::{Arc, Lock};
use shm_mach::ring::layout::Bell;
use shm_mach::ring::samples::Samples;
use shm_mach::ring::sleepers::Sleepers;
use shm_mach::ring::state::Seat;
use shm_mach::ring::world::World;
use shm_mach::segment::Shared;

use crate::mail::Port;

/// News that is not there yet: says whether it is, once it is.
type News = Box<dyn FnMut() -> Option<(Arc<Port>, Seat)> + Send>;

/// The world of a model.
#[derive(Default)]
pub struct Scene {
    control: Vec<Shared<Bell>>,
    news: Lock<Option<News>>,
    sleepers: Sleepers,
}

impl Scene {
    /// A world without news.
    pub fn quiet() -> Self {
        Self::default()
    }

    /// A world whose control bell is `bell`; `news` looks for a new lane and says which group it
    /// belongs to.
    pub fn with_news(
        bell: Shared<Bell>,
        news: impl FnMut() -> Option<(Arc<Port>, Seat)> + Send + 'static,
    ) -> Self {
        Self { control: vec![bell], news: Lock::new(Some(Box::new(news))), sleepers: Sleepers::default() }
    }
}

impl World for Scene {
    fn sample(&self, samples: &mut Samples) {
        for bell in &self.control {
            samples.add(bell.clone());
        }
    }

    fn look(&self) {
        if self.control.is_empty() {
            return; // nothing can be new: one lock less to interleave
        }
        let mut news = self.news.lock();
        if let Some((group, seat)) = news.as_mut().and_then(|look| look()) {
            *news = None;
            drop(news);
            group.insert(seat);
        }
    }

    fn arm(&self, _gates: &mut Vec<Gate>) {}

    fn sleepers(&self) -> &Sleepers {
        &self.sleepers
    }
}
