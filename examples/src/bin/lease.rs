//! A service that follows its client's death: a lock that never stays with the dead.
//!
//! Who gets the lock gets a right to a port that was made for this. Letting go of the right, by
//! dropping it or by dying with it, gives the lock back: the port's no-senders notification
//! tells the service, which hands a fresh right to the next in line. There is no timeout and no
//! heartbeat, and a right that was passed on to another process passes the lock on.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use shm_mach::authority::Embedded;
use shm_mach::{Message, Notification, Options, ReceiveRight, Received, SendOnceRight, Task};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    if std::env::args().nth(1).is_some() {
        return client();
    }
    let authority = Embedded::start()?;
    let (task, _) = Task::attach_to(authority.connect()?, &Options::default())?;
    let door = task.allocate()?;
    // Two clients: the first is killed while it holds the lock and the second is waiting.
    let clients = [start(&task, &door)?, start(&task, &door)?];
    let service = std::thread::spawn(move || serve(&task, &door, 2).map_err(|error| error.to_string()));
    watch(clients)?;
    service.join().map_err(|_| "the service has panicked")??;
    println!("the lock is free");
    Ok(())
}

/// Hands the lock out until `times` holders have let go of it.
fn serve(task: &Task, door: &ReceiveRight, times: usize) -> Outcome {
    let mut queue: VecDeque<SendOnceRight> = VecDeque::new();
    let mut lock: Option<ReceiveRight> = None;
    let mut message = Received::new();
    let mut given_back = 0;
    while given_back < times {
        door.receive(&mut message)?;
        if let Some(Notification::NoSenders { .. }) = message.notification() {
            lock = None;
            given_back += 1;
        }
        queue.extend(message.take_reply());
        while lock.is_none() && !queue.is_empty() {
            let port = task.allocate()?;
            let right = port.make_send();
            port.request_no_senders(0, door);
            lock = Some(port);
            // Refused if who asked is gone: the right comes back, is dropped, and we are told as ever.
            let _ = queue.pop_front().map(|next| next.send(Message::new(101, &[]).with_right(right)).is_ok());
        }
    }
    Ok(())
}

/// What the user of both clients sees. Whoever gets the lock first is killed.
fn watch(clients: [(Child, BufReader<ChildStdout>); 2]) -> Outcome {
    let (said, hear) = std::sync::mpsc::channel();
    let mut children = Vec::new();
    for (number, (child, output)) in clients.into_iter().enumerate() {
        let said = said.clone();
        children.push(child);
        std::thread::spawn(move || output.lines().try_for_each(|_| said.send(number)));
    }
    let first = hear.recv()?;
    println!("one client has the lock");
    children[first].kill()?;
    children[first].wait()?;
    println!("it was killed");
    let second = hear.recv()?;
    println!("{} client has the lock", if second == first { "the same" } else { "the other" });
    children[second].kill()?;
    children[second].wait()?;
    Ok(())
}

fn start(task: &Task, door: &ReceiveRight) -> Outcome<(Child, BufReader<ChildStdout>)> {
    let mut command = Command::new("/proc/self/exe");
    command.arg("client").env("SHM_MACH_AUTHORITY", "fd:0").stdin(task.prepare_child(door)?);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("a pipe")?;
    Ok((child, BufReader::new(output)))
}

fn client() -> Outcome {
    let (task, door) = Task::attach(&Options::default())?;
    let (answers, mut answer) = (task.allocate()?, Received::new());
    let request = Message::new(1, &[]).reply_to(answers.make_send_once());
    door.ok_or("started by the service")?.send(request).map_err(|error| error.to_string())?;
    answers.receive(&mut answer)?;
    println!("mine");
    // The lock is in `answer`, and this client works for as long as it lives.
    loop {
        std::thread::park();
    }
}
