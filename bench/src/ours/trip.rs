//! Round trips between two ports, one in each process.

use super::meet::{meet, receive_number, send_number};
use crate::failure::{Failure, expect};
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::side::{Role, Side};
use crate::trip::round_trips;
use shm_mach::{Joined, Received};

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

/// The asking side has one thread, which turns to one port after the other.
fn four_ports(side: &Side) -> Result<Measure, Failure> {
    let joined: Vec<Joined> =
        (0..PORTS).map(|_| meet(side, shm_mach::Wait::Park)).collect::<Result<_, _>>()?;
    match side.role {
        Role::Left => {
            let mut message = Received::new();
            let port = |number: u64| &joined[number as usize % PORTS];
            let mut asked = 0;
            round_trips(
                side,
                |number| send_number(&port(number).send, number),
                || {
                    asked += 1;
                    receive_number(&port(asked).receive, &mut message)
                },
            )
        }
        Role::Right => std::thread::scope(|scope| {
            let threads: Vec<_> = joined
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
fn answer(side: &Side, at: usize, port: &Joined) -> Result<(), Failure> {
    let mut message = Received::new();
    let last = side.warm_up() + 1 + side.count;
    for number in (1..=last).filter(|number| *number as usize % PORTS == at) {
        expect(receive_number(&port.receive, &mut message)?, number)?;
        send_number(&port.send, number)?;
    }
    Ok(())
}
