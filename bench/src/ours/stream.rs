//! Streams of messages to one port, whose sender and receiver both spin.

use super::meet::{meet, receive_number, send_body, send_number};
use crate::anchor::{CHUNK, number_ends, number_of};
use crate::failure::Failure;
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::side::{Role, Side};
use crate::stream::{drain, pour};
use shm_mach::{Joined, Received};

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "stream_8",
        payload: Some(8),
        wait: Some(Wait::Spin),
        anchor: Some("bare_ring"),
        place: Place::TwoCores,
        count: 10_000_000,
        run: small,
    },
    Row {
        name: "stream_64k",
        payload: Some(CHUNK as u64),
        wait: Some(Wait::Spin),
        anchor: Some("chunk_ring"),
        place: Place::TwoCores,
        count: 20_000,
        run: large,
    },
];

fn small(side: &Side) -> Result<Measure, Failure> {
    let Joined { receive, send, .. } = meet(side, shm_mach::Wait::Spin)?;
    match side.role {
        Role::Left => {
            let mut message = Received::new();
            drain(side, || receive_number(&receive, &mut message))
        }
        Role::Right => pour(side, |number| send_number(&send, number)),
    }
}

fn large(side: &Side) -> Result<Measure, Failure> {
    let Joined { receive, send, .. } = meet(side, shm_mach::Wait::Spin)?;
    match side.role {
        Role::Left => {
            let mut message = Received::new();
            drain(side, || {
                receive.receive(&mut message)?;
                number_of(message.body())
            })
        }
        Role::Right => {
            let mut body = vec![0x5a; CHUNK];
            pour(side, |number| {
                number_ends(&mut body, number);
                send_body(&send, &body)
            })
        }
    }
}
