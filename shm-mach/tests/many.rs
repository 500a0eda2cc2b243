//! More links than one sleep can watch.

use std::time::Duration;

use shm_mach::authority::Embedded;
use shm_mach::{Deadline, Message, Options, ReceiveError, Received, Task, Wait};

#[test]
fn a_task_with_many_peers_still_receives() {
    const PEERS: usize = 140;
    let authority = Embedded::start().unwrap();
    let attach = || Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0;
    let task = attach();
    let service = task.check_in("service").unwrap();
    service.set_wait(Wait::Park);
    let rights: Vec<_> = (0..PEERS)
        .map(|n| {
            let right = attach().look_up("service").unwrap();
            right.send(Message::new(n as i32, b"first")).unwrap();
            right
        })
        .collect();
    let mut message = Received::new();
    let soon = || Deadline::after(Duration::from_secs(10));
    for _ in 0..PEERS {
        service.receive_deadline(&mut message, soon()).unwrap();
    }
    // Asleep now, on fewer words than there are links.
    let sender = std::thread::spawn(move || {
        for (n, right) in rights.iter().enumerate() {
            std::thread::sleep(Duration::from_millis(3));
            right.send(Message::new(n as i32, b"second")).unwrap();
        }
    });
    let mut heard = [false; PEERS];
    for _ in 0..PEERS {
        service.receive_deadline(&mut message, soon()).unwrap();
        assert_eq!(message.body(), b"second");
        assert!(!std::mem::replace(&mut heard[message.id() as usize], true), "twice");
    }
    sender.join().unwrap();
    let soon = Deadline::after(Duration::from_millis(20));
    assert_eq!(service.receive_deadline(&mut message, soon), Err(ReceiveError::TimedOut));
}
