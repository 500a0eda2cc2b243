//! System calls that no safe crate wraps: becoming somebody else, seccomp, ptrace, fork.

use std::io::Error;

/// `nobody`.
pub(crate) const NOBODY: u32 = 65534;

/// Whether this process may become somebody else.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Becomes `uid` for good, groups and capabilities included, if this process is root; says whether it
/// was. Stays dumpable: else the files under /proc/self would belong to root.
pub(crate) fn become_uid(uid: u32) -> bool {
    if !is_root() {
        return false;
    }
    // SAFETY: no pointer is read: the list is empty.
    check(unsafe { libc::setgroups(0, std::ptr::null()) });
    // SAFETY: plain numbers.
    check(unsafe { libc::setresgid(uid, uid, uid) });
    // SAFETY: plain numbers.
    check(unsafe { libc::setresuid(uid, uid, uid) });
    // SAFETY: plain numbers.
    check(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) });
    true
}

fn check(result: i32) {
    assert!(result >= 0, "{}", Error::last_os_error());
}

/// What a filter does with a system call that it does not let through.
#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    /// SIGSYS, and the whole process ends.
    Kill,
    /// The call fails with `EPERM`.
    Refuse,
}

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// From here on only the system calls `numbers` get through; the rest meet `verdict`.
pub(crate) fn allow_only(numbers: &[i64], verdict: Verdict) {
    install(numbers, libc::SECCOMP_RET_ALLOW, meaning(verdict));
}

/// From here on the system calls `numbers` meet `verdict`.
pub(crate) fn forbid(numbers: &[i64], verdict: Verdict) {
    install(numbers, meaning(verdict), libc::SECCOMP_RET_ALLOW);
}

fn meaning(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Kill => libc::SECCOMP_RET_KILL_PROCESS,
        Verdict::Refuse => libc::SECCOMP_RET_ERRNO | libc::EPERM as u32,
    }
}

fn install(numbers: &[i64], matched: u32, others: u32) {
    let step = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    let mut program = vec![step(LOAD, 0, 0)]; // offset 0: the number of the call
    for (at, number) in numbers.iter().enumerate() {
        program.push(step(JUMP, (numbers.len() - at) as u8, *number as u32));
    }
    program.push(step(RETURN, 0, others));
    program.push(step(RETURN, 0, matched));
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: plain numbers.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) });
    // SAFETY: the program lives until the call returns, and its length is true.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &program) };
    check(result as i32);
}

/// Ends the process without destructors and exit handlers: under a filter they would not get through.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: never returns, touches nothing.
    unsafe { libc::_exit(code) }
}

/// A child made by a bare fork: runs `body`, which must not allocate much nor take locks that other
/// threads hold, and ends with its result. Call it where no other thread holds a lock.
pub(crate) fn in_fork(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child runs `body` and ends without returning into the caller.
    let pid = unsafe { libc::fork() };
    check(pid);
    if pid == 0 {
        let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(101);
        exit_now(code);
    }
    let mut status = 0;
    // SAFETY: `status` is writable for the call.
    check(unsafe { libc::waitpid(pid, &mut status, 0) });
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -libc::WTERMSIG(status) }
}

/// Enters a pid namespace of its own, for the children that follow; says whether that is allowed.
fn leave_pid_namespace() -> bool {
    // SAFETY: plain numbers; nothing of the process's own is shared with others that rely on it.
    let unshare = |flags| unsafe { libc::unshare(flags) } == 0;
    unshare(libc::CLONE_NEWPID) || unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWPID)
}

/// Whether a process of this user can have a pid namespace of its own.
pub(crate) fn has_pid_namespaces() -> bool {
    in_fork(|| i32::from(!leave_pid_namespace())) == 0
}

/// As [`in_fork`], in a pid namespace of its own, where this process and its relatives are not visible.
pub(crate) fn in_pid_namespace(body: impl FnOnce() -> i32) -> i32 {
    in_fork(|| if leave_pid_namespace() { in_fork(body) } else { 102 })
}

/// A program that is killed when the thread that starts it ends.
pub(crate) fn tied(command: &mut std::process::Command) -> &mut std::process::Command {
    use rustix::process::{Signal, set_parent_process_death_signal};
    use std::os::unix::process::CommandExt;
    // SAFETY: one system call, which is allowed between fork and exec: it allocates nothing.
    unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?)) }
}

/// In a child that its parent traces step by step: stops until the parent goes on.
pub(crate) fn stop_here() {
    // SAFETY: plain number.
    check(unsafe { libc::raise(libc::SIGSTOP) });
}

/// In such a child, once, before the first stop.
pub(crate) fn be_traced() {
    // SAFETY: plain numbers; the other arguments are not read.
    let result = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    check(result as i32);
}

/// How a traced child stands after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// In [`stop_here`].
    AtMark,
    /// After one step.
    Stepped,
    /// Gone.
    Ended,
}

/// Waits for the next stop of a traced child.
pub(crate) fn await_stop(pid: i32) -> Standing {
    let mut status = 0;
    // SAFETY: `status` is writable for the call.
    check(unsafe { libc::waitpid(pid, &mut status, libc::__WALL) });
    match () {
        () if !libc::WIFSTOPPED(status) => Standing::Ended,
        () if libc::WSTOPSIG(status) == libc::SIGSTOP => Standing::AtMark,
        () => Standing::Stepped,
    }
}

/// Lets a traced child run one instruction, and waits for it.
pub(crate) fn step(pid: i32) -> Standing {
    resume(pid, libc::PTRACE_SINGLESTEP);
    await_stop(pid)
}

/// Lets a traced process run to the next entry into, or exit from, a system call, or to a mark.
pub(crate) fn run_to_call(pid: i32) -> Standing {
    resume(pid, libc::PTRACE_SYSCALL);
    await_stop(pid)
}

/// Begins to trace a process that knows nothing of it, and stops it.
pub(crate) fn seize(pid: i32) {
    resume(pid, libc::PTRACE_SEIZE);
    resume(pid, libc::PTRACE_INTERRUPT);
    await_stop(pid);
}

/// Lets a traced process go.
pub(crate) fn let_go(pid: i32) {
    resume(pid, libc::PTRACE_DETACH);
}

/// The address of the instruction that a traced process runs next.
pub(crate) fn next_instruction(pid: i32) -> u64 {
    // SAFETY: plain numbers, for which zero is a value.
    let mut told: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let size = size_of_val(&told);
    // SAFETY: `told` is writable for the call, and `size` bytes long.
    let result = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid, size, &raw mut told) };
    check(result as i32);
    told.instruction_pointer
}

fn resume(pid: i32, how: u32) {
    // SAFETY: plain numbers: no signal is delivered.
    let result = unsafe { libc::ptrace(how, pid, 0, 0) };
    check(result as i32);
}

/// Asks for write access to a mapping; leaves it as it was.
pub(crate) fn make_writable(address: usize, length: usize) -> std::io::Result<()> {
    // SAFETY: the range is mapped; if it did become writable, nobody's assumption about reading it
    // changes.
    let result = unsafe { libc::mprotect(address as *mut _, length, libc::PROT_READ | libc::PROT_WRITE) };
    if result == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Asks to take pages of a shared mapping away from the file.
pub(crate) fn remove_pages(address: usize, length: usize) -> std::io::Result<()> {
    // SAFETY: the range is mapped, and made of atomics, for which zero is a value.
    let result = unsafe { libc::madvise(address as *mut _, length, libc::MADV_REMOVE) };
    if result == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// From here on SIGUSR1 does nothing but interrupt the system call that its thread is in.
pub(crate) fn interrupt_by_signals() {
    extern "C" fn nothing(_signal: i32) {}
    // SAFETY: all-zero bytes are a `sigaction` with an empty mask and no flags, SA_RESTART neither.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as extern "C" fn(i32) as usize;
    // SAFETY: the handler touches nothing, so it may run at any instruction; `action` is read only here.
    check(unsafe { libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()) });
}

/// Sends SIGUSR1 to a thread that was not joined yet.
pub(crate) fn interrupt<T>(thread: &std::thread::JoinHandle<T>) {
    use std::os::unix::thread::JoinHandleExt;
    // SAFETY: a thread that was neither joined nor detached keeps its id, also when it has ended.
    let result = unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGUSR1) };
    assert!(result == 0 || result == libc::ESRCH, "{result}");
}

/// What a C program promises of the addresses in its messages.
pub(crate) fn promise() -> shm_mach::mach::Raw {
    // SAFETY: the tests receive into, and send away, nothing but memory that they own and do not use after.
    unsafe { shm_mach::mach::Raw::promise() }
}

/// Fresh pages that hold `bytes`, which nobody gives back but a message; where they are.
pub(crate) fn pages_of(bytes: &[u8]) -> u64 {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at an address that the kernel chooses.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), bytes.len().max(1), access, flags, -1, 0) };
    assert_ne!(at, libc::MAP_FAILED);
    // SAFETY: the mapping has room for as much, and is nobody else's.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), at.cast(), bytes.len()) };
    at as u64
}

/// Writes to memory that a test has from [`pages_of`], or has received.
pub(crate) fn write_at(at: u64, bytes: &[u8]) {
    // SAFETY: the test owns that memory, and has no reference to it.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), at as *mut u8, bytes.len()) };
}

/// What this process can read there; `None` if not all of it.
pub(crate) fn read_at(at: u64, size: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; size];
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: size };
    let remote = libc::iovec { iov_base: at as *mut _, iov_len: size };
    let pid = std::process::id() as i32;
    // SAFETY: the kernel writes to `bytes` alone, and fails where nothing is mapped.
    let done = unsafe { libc::process_vm_readv(pid, &local, 1, &remote, 1, 0) };
    (usize::try_from(done) == Ok(size)).then_some(bytes)
}

/// A page behind which nothing can be read or written; where it is.
pub(crate) fn page_before_a_hole() -> u64 {
    let page = rustix::param::page_size();
    let at = pages_of(&vec![0; 2 * page]);
    // SAFETY: the second page of a mapping that only the caller knows.
    check(unsafe { libc::mprotect((at as usize + page) as *mut _, page, libc::PROT_NONE) });
    at
}

/// Gives received memory back.
pub(crate) fn unmap(at: u64, size: usize) {
    // SAFETY: the test owns the pages, and has no reference to them.
    check(unsafe { libc::munmap(at as *mut _, size) });
}
