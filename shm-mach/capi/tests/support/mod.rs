//! Builds the library and C programs against it, and runs them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// No program takes a tenth of it.
const LIMIT: Duration = Duration::from_secs(120);

/// Where the headers and the programs are.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether a compiler of that name runs here.
pub(crate) fn has(compiler: &str) -> bool {
    let probe = Command::new(compiler).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}

/// The folder with the two libraries. Cargo does not make them for a test by itself, because no Rust
/// code can link with them.
pub(crate) fn libraries() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        // TARGET/PROFILE/deps/TEST
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).expect("a test lies in a profile's `deps`");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--locked", "--offline", "--quiet", "-p", "shm-mach-c", "--target-dir"]);
        cargo.arg(profile.parent().expect("a profile lies in a target folder"));
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        let made = cargo.current_dir(root()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        profile.to_path_buf()
    })
}

/// A folder that is gone when this is dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("shm-mach-c-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How a program is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    Shared,
    Static,
}

/// Runs a compiler; what it says is the reason to fail.
pub(crate) fn compile(mut command: Command) {
    let made = command.output().unwrap();
    assert!(made.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&made.stderr));
}

/// A compiler that knows the headers, with every warning an error.
pub(crate) fn compiler(name: &str, standard: &str) -> Command {
    let mut command = Command::new(name);
    command.args([standard, "-Wall", "-Wextra", "-Werror", "-I"]).arg(root().join("include"));
    command
}

/// Builds a program of `tests/c`, into `folder`.
pub(crate) fn build(program: &str, folder: &Folder, linked: Linked) -> PathBuf {
    build_with(program, folder, linked, &[])
}

/// The same, with more flags for the compiler.
pub(crate) fn build_with(program: &str, folder: &Folder, linked: Linked, flags: &[&str]) -> PathBuf {
    let made = folder.0.join(program);
    let mut command = compiler("cc", "-std=gnu17");
    command.args(flags).arg("-pthread").arg("-o").arg(&made).arg(root().join(format!("tests/c/{program}.c")));
    match linked {
        Linked::Shared => {
            command.arg("-L").arg(libraries()).arg("-lshm_mach");
            command.arg(format!("-Wl,-rpath,{}", libraries().display()));
        }
        // A static library does not say what it needs; nothing but the system's own libraries.
        Linked::Static => drop(command.arg(libraries().join("libshm_mach.a")).args(["-ldl", "-lm"])),
    }
    compile(command);
    made
}

/// Runs a program where no authority is found, unless `settings` name one.
pub(crate) fn run(made: &Path, folder: &Folder, settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(made);
    command.env_remove("SHM_MACH_AUTHORITY").env("XDG_RUNTIME_DIR", &folder.0).stdin(Stdio::null());
    command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > LIMIT {
            let _ = child.kill();
            panic!("{} did not end: {:?}", made.display(), child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output().unwrap()
}

/// Builds and runs a program, which checks what it does itself; skips by name without a compiler.
pub(crate) fn program(name: &str) {
    if !has("cc") {
        eprintln!("SKIP {name}: there is no cc");
        return;
    }
    let folder = Folder::new(name);
    let output = run(&build(name, &folder, Linked::Shared), &folder, &[]);
    expect_success(name, &output);
}

pub(crate) fn expect_success(name: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{said}", output.status);
}
