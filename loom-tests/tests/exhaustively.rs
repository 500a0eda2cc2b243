//! Builds this package with `--cfg loom`, explores each model, and then each model again that must
//! fail with one ordering weakened or one step left out. Every run is a process of its own: loom may
//! abort after it has reported.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::Instant;

use loom_tests::models::MODELS;
use loom_tests::table::{Proof, rows};

/// One run of the explorer, and what must come of it.
#[derive(Clone, Copy, Debug)]
struct Run {
    model: &'static str,
    /// What is left out, and what the failure must say.
    mutant: Option<(&'static str, &'static str)>,
}

#[test]
fn every_model_holds_and_every_mutant_fails() {
    if futex::sync::MODEL {
        return; // this is the build with --cfg loom: the explorer stands beside it
    }
    let explorer = build();
    let explored = MODELS.iter().map(|model| Run { model: model.name, mutant: None });
    let mutants = rows().flat_map(|row| match row.proof {
        Proof::Fails(models) => {
            models.iter().map(|&(model, says)| Run { model, mutant: Some((row.name, says)) }).collect()
        }
        Proof::Relaxed | Proof::Unseen(_) => Vec::new(),
    });
    // The long ones stand at the end of the list of models: they begin first.
    let mut runs: Vec<Run> = mutants.chain(explored).collect();
    let begin = Instant::now();
    let failures = Mutex::new(Vec::new());
    let todo = Mutex::new(std::mem::take(&mut runs));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(run) = next(&todo) {
                    if let Err(failure) = execute(&explorer, run) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    println!("explored in {:.0?}", begin.elapsed());
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn next(todo: &Mutex<Vec<Run>>) -> Option<Run> {
    todo.lock().unwrap().pop()
}

/// Builds the explorer into a target folder of its own; says where it is.
fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder").join("loom");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--release", "--package", "loom-tests", "--bin", "explore", "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .env("RUSTFLAGS", "--cfg loom")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the build with --cfg loom:\n{}", text(&output));
    target.join("release/explore")
}

fn execute(explorer: &Path, run: Run) -> Result<(), String> {
    let mut command = Command::new(explorer);
    command.arg(run.model).args(run.mutant.map(|(name, _)| name));
    let output = command.output().map_err(|error| format!("{}: {error}", explorer.display()))?;
    let says = text(&output);
    match run.mutant {
        None if output.status.success() => {
            print!("{says}");
            Ok(())
        }
        None => Err(format!("{} fails:\n{says}", run.model)),
        Some((name, _)) if output.status.success() => {
            Err(format!("{} holds without {name}: {says}", run.model))
        }
        Some((_, expected)) if says.contains(expected) => Ok(()),
        Some((name, expected)) => {
            Err(format!("{} without {name} fails, but not by {expected:?}:\n{says}", run.model))
        }
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
