//! The loops of a round trip: one side asks, the other answers.

use crate::failure::{Failure, expect};
use crate::measure::{Measure, histogram, nanoseconds};
use crate::side::{Role, Side};
use std::time::Instant;

/// Runs this side's part of the round trips over a transport given by its two halves.
///
/// Messages are numbered from 1; the answer to a number is the number. The clock is read after sending, while the
/// message is under way, so a time is that from one send to the next.
#[inline(always)]
pub(crate) fn round_trips(
    side: &Side,
    send: impl FnMut(u64) -> Result<(), Failure>,
    receive: impl FnMut() -> Result<u64, Failure>,
) -> Result<Measure, Failure> {
    match side.role {
        Role::Left => ask(side, send, receive),
        Role::Right => answer(side, send, receive),
    }
}

/// Messages that each side sends: to warm up, to start the clock, and to measure.
pub(crate) fn messages(side: &Side) -> u64 {
    side.warm_up() + 1 + side.count
}

/// The asking side of [`round_trips`].
#[inline(always)]
pub(crate) fn ask(
    side: &Side,
    mut send: impl FnMut(u64) -> Result<(), Failure>,
    mut receive: impl FnMut() -> Result<u64, Failure>,
) -> Result<Measure, Failure> {
    let mut times = histogram();
    let mut sent = Instant::now();
    // One loop with one call of each half, which are then inlined too.
    for number in 1..=messages(side) {
        send(number)?;
        let now = Instant::now();
        if number > side.warm_up() + 1 {
            times.saturating_record(nanoseconds(now - sent));
        }
        sent = now;
        expect(receive()?, number)?;
    }
    Ok(Measure::times(&times))
}

#[inline(always)]
fn answer(
    side: &Side,
    mut send: impl FnMut(u64) -> Result<(), Failure>,
    mut receive: impl FnMut() -> Result<u64, Failure>,
) -> Result<Measure, Failure> {
    for number in 1..=messages(side) {
        expect(receive()?, number)?;
        send(number)?;
    }
    Ok(Measure::Served)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpus::Cpus;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    /// Runs one side against a transport that delivers `deliver(n)` when message `n` is due.
    fn run(role: Role, deliver: impl Fn(u64) -> u64) -> Result<Measure, Failure> {
        let (link, _other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let side = Side::new(role, Cpus { left: 0, right: 0 }, 100, link);
        let mut due = 0;
        round_trips(
            &side,
            |_| Ok(()),
            || {
                due += 1;
                Ok(deliver(due))
            },
        )
    }

    #[test]
    fn an_honest_transport_is_measured() {
        let measure = run(Role::Left, |due| due).expect("no failure");
        let Measure::Times(times) = measure else {
            panic!("{measure:?}");
        };
        assert_eq!(times.iter().map(|(_, count)| count).sum::<u64>(), 100);
        assert!(matches!(run(Role::Right, |due| due), Ok(Measure::Served)));
    }

    #[test]
    fn a_lost_or_repeated_message_fails() {
        for role in [Role::Left, Role::Right] {
            for wrong_from in [1, 10, 100] {
                run(role, |due| if due < wrong_from { due } else { due + 1 }).expect_err("lost");
                run(role, |due| if due < wrong_from { due } else { due - 1 }).expect_err("repeated");
            }
        }
    }
}
