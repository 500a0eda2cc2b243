//! Each model on real threads, many times.

use loom_tests::explore::explore;
use loom_tests::models::MODELS;

#[test]
fn every_model_passes_on_real_threads() {
    for model in MODELS {
        explore(model.preemptions, model.run);
    }
}
