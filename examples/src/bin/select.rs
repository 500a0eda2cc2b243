//! One thread that serves many clients by waiting at a port set, as others wait with `select`.
//!
//! Each client is a process with a session of its own: a port at the server, which only that client can
//! reach. The server keeps a sum for each session, answers every number with it, and closes a session
//! when nobody holds a right to it any more, whether its client has let go or has died.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Child, Command};

use shm_mach::authority::Embedded;
use shm_mach::{Message, Notification, Options, PortSet, ReceiveRight, Received, SendRight, Task};

const CLIENTS: usize = 3;
/// The ids of requests; an answer's is 100 more.
const OPEN: i32 = 1;
const ADD: i32 = 2;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    match std::env::args().nth(1) {
        Some(number) => client(number.parse()?),
        None => server(),
    }
}

fn server() -> Outcome {
    let authority = Embedded::start()?;
    let (task, _) = Task::attach_to(authority.connect()?, &Options::default())?;
    let (door, set) = (task.allocate()?, task.allocate_set()?);
    set.insert(&door)?;
    let children =
        (1..=CLIENTS).map(|number| start(&task, &door, number)).collect::<Outcome<Vec<Child>>>()?;
    let mut sessions = BTreeMap::new();
    let mut message = Received::new();
    for _ in 0..CLIENTS {
        serve_until_a_client_leaves(&task, &set, &mut sessions, &mut message)?;
    }
    children.into_iter().try_for_each(|mut child| child.wait().map(drop))?;
    println!("{} sessions are left", sessions.len());
    Ok(())
}

fn serve_until_a_client_leaves(
    task: &Task,
    set: &PortSet,
    sessions: &mut BTreeMap<shm_mach::PortName, (ReceiveRight, u64)>,
    message: &mut Received,
) -> Outcome {
    loop {
        set.receive(message)?;
        let port = message.port().ok_or("a message came through a port")?;
        if let Some(Notification::NoSenders { .. }) = message.notification() {
            let (_, sum) = sessions.remove(&port).ok_or("a session ends once")?;
            println!("a session ends with {sum}");
            return Ok(());
        }
        let Some(reply) = message.take_reply() else { continue };
        // Whether the client still hears the answer is for its session to tell.
        let _ = match (message.id(), sessions.get_mut(&port)) {
            (OPEN, None) => {
                let session = task.allocate()?;
                set.insert(&session)?;
                let right = session.make_send();
                session.request_no_senders(0, &session);
                sessions.insert(session.name(), (session, 0));
                reply.send(Message::new(OPEN + 100, &[]).with_right(right)).is_ok()
            }
            (ADD, Some((_, sum))) => {
                *sum += message.body().first().map_or(0, |&number| u64::from(number));
                reply.send(Message::new(ADD + 100, &sum.to_le_bytes())).is_ok()
            }
            _ => reply.send(Message::new(-1, b"no such request")).is_ok(),
        };
    }
}

/// Starts a client with nothing but a right to `door`.
fn start(task: &Task, door: &ReceiveRight, number: usize) -> Outcome<Child> {
    let socket = task.prepare_child(door)?;
    let mut command = Command::new("/proc/self/exe");
    Ok(command.arg(number.to_string()).env("SHM_MACH_AUTHORITY", "fd:0").stdin(socket).spawn()?)
}

fn client(number: u8) -> Outcome {
    let (task, door) = Task::attach(&Options::default())?;
    let mut answer = ask(&task, &door.ok_or("started by the server")?, OPEN, &[])?;
    let session = answer.take_rights().pop().and_then(shm_mach::Right::into_send).ok_or("a session")?;
    (1..=100).try_for_each(|_| ask(&task, &session, ADD, &[number]).map(drop))
}

fn ask(task: &Task, port: &SendRight, id: i32, body: &[u8]) -> Outcome<Received> {
    let (replies, mut answer) = (task.allocate()?, Received::new());
    port.send(Message::new(id, body).reply_to(replies.make_send_once()))
        .map_err(|error| error.to_string())?;
    replies.receive(&mut answer)?;
    if answer.id() == id + 100 { Ok(answer) } else { Err("the server does not know that".into()) }
}
