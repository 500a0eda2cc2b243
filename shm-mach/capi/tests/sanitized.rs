//! Programs under the address and undefined-behaviour sanitizers: the library lives beside them, and its
//! memory and the program's are not mixed up.

mod support;

use support::{Folder, Linked, build_with, compiler, expect_success, has, run};

/// Some of each kind: names, messages with memory and rights, several processes, several threads.
const PROGRAMS: [&str; 7] = [
    "attributes",
    "bootstrap",
    "fork_new_task",
    "message_memory",
    "message_threads",
    "mig_rpc",
    "semaphores",
];

const FLAGS: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/// Whether the compiler has them.
fn have_sanitizers(folder: &Folder) -> bool {
    let source = folder.0.join("empty.c");
    std::fs::write(&source, "int main(void)\n{\n    return 0;\n}\n").unwrap();
    let mut command = compiler("cc", "-std=gnu17");
    command.args(FLAGS).arg(&source).arg("-o").arg(folder.0.join("empty"));
    command.output().is_ok_and(|made| made.status.success())
}

#[test]
fn programs_run_under_sanitizers() {
    let folder = Folder::new("sanitized");
    if !has("cc") || !have_sanitizers(&folder) {
        eprintln!("SKIP: there is no cc with sanitizers");
        return;
    }
    for program in PROGRAMS {
        let made = build_with(program, &folder, Linked::Shared, &FLAGS);
        // A forked child has lost the threads of its parent, with what only those knew.
        let output = run(&made, &folder, &[("ASAN_OPTIONS", "detect_leaks=0")]);
        expect_success(program, &output);
    }
}
