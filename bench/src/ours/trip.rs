//! Round trips between two ports, one in each process.

use super::meet::{meet, receive_number, send_number};
use crate::failure::{Failure, expect};
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::side::{Role, Side};
use crate::trip::{messages, round_trips};
use shm_mach::{Joined, Message, ReceiveRight, Received, Right, SendRight};

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "rtt_spin",
        payload: Some(8),
        wait: Some(Wait::Spin),
        anchor: Some("line_rtt"),
        place: Place::TwoCores,
        count: 200_000,
        run: |side| one_port(side, shm_mach::Wait::Spin),
    },
    Row {
        name: "rtt_block",
        payload: Some(8),
        wait: Some(Wait::Park),
        anchor: Some("futex_rtt"),
        place: Place::TwoCores,
        count: 5_000,
        run: |side| one_port(side, shm_mach::Wait::Park),
    },
    Row {
        name: "rtt_adaptive",
        payload: Some(8),
        wait: Some(Wait::Adaptive),
        anchor: Some("rtt_spin"),
        place: Place::TwoCores,
        count: 200_000,
        run: |side| one_port(side, shm_mach::Wait::Adaptive),
    },
    Row {
        name: "rtt_adaptive_one_core",
        payload: Some(8),
        wait: Some(Wait::Adaptive),
        anchor: Some("futex_rtt_one_core"),
        place: Place::OneCore,
        count: 20_000,
        run: |side| one_port(side, shm_mach::Wait::Adaptive),
    },
    Row {
        name: "rtt_block_4_threads",
        payload: Some(8),
        wait: Some(Wait::Park),
        anchor: Some("rtt_block"),
        place: Place::TwoCores,
        count: 5_000,
        run: four_ports,
    },
];

fn one_port(side: &Side, wait: shm_mach::Wait) -> Result<Measure, Failure> {
    let Joined { receive, send, .. } = meet(side, wait)?;
    let mut message = Received::new();
    round_trips(side, |number| send_number(&send, number), || receive_number(&receive, &mut message))
}

/// Ports of the answering side, each with a thread of its own.
const PORTS: usize = 4;

/// The ports of a pair of tasks that have joined, here and there: the first as they were joined, the others by rights in
/// a message.
fn meet_at_ports(side: &Side) -> Result<Vec<(ReceiveRight, SendRight)>, Failure> {
    let Joined { task, receive, send, .. } = meet(side, shm_mach::Wait::Park)?;
    let own = (1..PORTS).map(|_| task.allocate()).collect::<Result<Vec<_>, _>>()?;
    let message = own.iter().fold(Message::new(0, b""), |message, port| message.with_right(port.make_send()));
    send.send(message).map_err(|error| error.failure())?;
    let mut message = Received::new();
    receive.receive(&mut message)?;
    let theirs: Vec<_> = message.take_rights().into_iter().filter_map(Right::into_send).collect();
    if theirs.len() != own.len() {
        return Err(format!("{} send rights came, {} were due", theirs.len(), own.len()).into());
    }
    let ports: Vec<_> = std::iter::once((receive, send)).chain(own.into_iter().zip(theirs)).collect();
    for (receive, send) in &ports {
        receive.set_wait(shm_mach::Wait::Park);
        send.set_wait(shm_mach::Wait::Park);
    }
    Ok(ports)
}

/// The asking side has one thread, which turns to one port after the other.
fn four_ports(side: &Side) -> Result<Measure, Failure> {
    let ports = meet_at_ports(side)?;
    match side.role {
        Role::Left => {
            let mut message = Received::new();
            let port = |number: u64| &ports[number as usize % PORTS];
            let mut asked = 0;
            round_trips(
                side,
                |number| send_number(&port(number).1, number),
                || {
                    asked += 1;
                    receive_number(&port(asked).0, &mut message)
                },
            )
        }
        Role::Right => std::thread::scope(|scope| {
            let threads: Vec<_> = ports
                .into_iter()
                .enumerate()
                .map(|(at, port)| scope.spawn(move || answer(side, at, &port)))
                .collect();
            for thread in threads {
                thread.join().map_err(|_| "an answering thread panicked")??;
            }
            Ok(Measure::Served)
        }),
    }
}

/// Answers the numbers that come to port `at`: every fourth.
fn answer(side: &Side, at: usize, (receive, send): &(ReceiveRight, SendRight)) -> Result<(), Failure> {
    let mut message = Received::new();
    for number in (1..=messages(side)).filter(|number| *number as usize % PORTS == at) {
        expect(receive_number(receive, &mut message)?, number)?;
        send_number(send, number)?;
    }
    Ok(())
}
