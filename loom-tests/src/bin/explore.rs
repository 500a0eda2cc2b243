//! Runs one model in every interleaving: `explore MODEL [NAME-TO-WEAKEN]`.

use std::time::Instant;

use loom_tests::explore::{explore, weaken};
use loom_tests::models::Model;

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let model = Model::named(&name).unwrap_or_else(|| panic!("no model is called {name:?}"));
    weaken(args.next().as_deref());
    let begin = Instant::now();
    let executions = explore(model.preemptions, model.run);
    println!("{name}: {executions} executions, {:.1?}", begin.elapsed());
}
