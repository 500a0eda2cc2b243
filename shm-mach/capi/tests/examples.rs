//! The examples in C: built as their heads say, after an installation, and run.

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::{Folder, compile, expect_success, has, libraries, root, run};

/// What a compiler is told of the library that was installed there; `None`, said by name, where something
/// is missing.
fn installed(test: &str, folder: &Folder) -> Option<Vec<String>> {
    if let Some(missing) = ["cc", "pkg-config"].into_iter().find(|tool| !has(tool)) {
        eprintln!("SKIP {test}: there is no {missing}");
        return None;
    }
    let prefix = folder.0.join("installed");
    let done = Command::new(root().join("install.sh")).args([&prefix, libraries()]).status().unwrap();
    assert!(done.success());
    let told = Command::new("pkg-config")
        .args(["--cflags", "--libs", "shm-mach"])
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let words = String::from_utf8(told.stdout).unwrap();
    let mut words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    words.push(format!("-Wl,-rpath,{}", prefix.join("lib").display()));
    Some(words)
}

fn example(name: &str, expected: &str) {
    let folder = Folder::new(&format!("example-{name}"));
    let Some(words) = installed(name, &folder) else { return };
    let made: PathBuf = folder.0.join(name);
    let mut command = Command::new("cc");
    command.args(["-Wall", "-Wextra", "-Werror", "-o"]).arg(&made);
    command.arg(root().join(format!("../../examples/c/{name}.c"))).args(words);
    compile(command);
    let output = run(&made, &folder, &[]);
    expect_success(name, &output);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn hello() {
    let expected = "server: \"hello\", from another process\nclient: \"hello yourself\"\n";
    example("hello", expected);
}

#[test]
fn set_server() {
    example("set_server", "3 clients counted to 600\n");
}

#[test]
fn memory() {
    let sum: u32 = (0..1_u32 << 20).map(|at| at % 251).sum();
    example("memory", &format!("1048576 bytes sent, their sum is {sum}\n"));
}
