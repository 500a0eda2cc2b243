//! What processes use today: Unix sockets, with and without a descriptor passed along.

use crate::failure::Failure;
use crate::measure::{Measure, histogram, nanoseconds};
use crate::passing;
use crate::row::{Place, Row, Wait};
use crate::side::{Role, Side};
use crate::trip::round_trips;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair as make_pair,
};
use std::time::Instant;

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "socketpair",
        payload: Some(8),
        wait: Some(Wait::Park),
        anchor: None,
        place: Place::TwoCores,
        count: 5_000,
        run: socketpair,
    },
    Row {
        name: "socketpair_create",
        payload: None,
        wait: None,
        anchor: None,
        place: Place::OneCore,
        count: 20_000,
        run: socketpair_create,
    },
    Row {
        name: "scm_rights_rtt",
        payload: Some(8),
        wait: Some(Wait::Park),
        anchor: None,
        place: Place::TwoCores,
        count: 5_000,
        run: scm_rights_rtt,
    },
];

/// Packets of eight bytes there and back.
fn socketpair(side: &Side) -> Result<Measure, Failure> {
    let socket = side.channel(SocketType::SEQPACKET)?;
    round_trips(
        side,
        |number| {
            send(&socket, &number.to_le_bytes(), SendFlags::NOSIGNAL)?;
            Ok(())
        },
        || {
            let mut body = [0; 8];
            let (got, _) = recv(&socket, &mut body, RecvFlags::empty())?;
            if got != body.len() {
                return Err("the other process hung up".into());
            }
            Ok(u64::from_le_bytes(body))
        },
    )
}

/// Makes a pair of sockets and closes both.
fn socketpair_create(side: &Side) -> Result<Measure, Failure> {
    if side.role == Role::Right {
        return Ok(Measure::Served);
    }
    let mut times = histogram();
    for number in 0..side.warm_up() + side.count {
        let start = Instant::now();
        drop(make_pair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?);
        if number >= side.warm_up() {
            times.saturating_record(nanoseconds(start.elapsed()));
        }
    }
    Ok(Measure::times(&times))
}

/// Packets of eight bytes there and back, each with a descriptor, which its receiver closes.
///
/// The descriptor is of a memory file: the cheapest that stands for something; a socket would cost the kernel more.
fn scm_rights_rtt(side: &Side) -> Result<Measure, Failure> {
    let socket = side.channel(SocketType::SEQPACKET)?;
    let passed = memfd_create("passed", MemfdFlags::CLOEXEC)?;
    round_trips(
        side,
        |number| passing::send(&socket, number, &passed),
        || {
            let (number, passed) = passing::receive(&socket)?;
            drop(passed);
            Ok(number)
        },
    )
}
