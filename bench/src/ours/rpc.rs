//! Requests answered by a reply right made for each.

use super::meet::{meet, number_in, receive_number, send_number};
use crate::failure::{Failure, expect};
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::side::{Role, Side};
use crate::trip::{ask, messages};
use shm_mach::{Joined, Message, ReceiveRight, Received, SendRight};

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "rpc_send_once",
        payload: Some(8),
        wait: Some(Wait::Spin),
        anchor: Some("rtt_spin"),
        place: Place::TwoCores,
        count: 200_000,
        run: send_once,
    },
    Row {
        name: "rpc_fresh_port",
        payload: Some(8),
        wait: Some(Wait::Spin),
        anchor: Some("rtt_spin"),
        place: Place::TwoCores,
        count: 200_000,
        run: fresh_port,
    },
];

/// One reply port for all requests, a send-once right for each.
fn send_once(side: &Side) -> Result<Measure, Failure> {
    let Joined { task, receive, send, .. } = meet(side, shm_mach::Wait::Spin)?;
    if side.role == Role::Right {
        return answer(side, &receive, &send);
    }
    let replies = task.allocate()?;
    replies.set_wait(shm_mach::Wait::Spin);
    let mut message = Received::new();
    let measure =
        ask(side, |number| request(&send, &replies, number), || receive_number(&replies, &mut message))?;
    finish(&receive, &mut message, measure)
}

/// Also a reply port of its own for each request, destroyed when it is answered.
fn fresh_port(side: &Side) -> Result<Measure, Failure> {
    let Joined { task, receive, send, .. } = meet(side, shm_mach::Wait::Spin)?;
    if side.role == Role::Right {
        return answer(side, &receive, &send);
    }
    let mut message = Received::new();
    let port = std::cell::Cell::new(None);
    let measure = ask(
        side,
        |number| {
            let replies = task.allocate()?;
            replies.set_wait(shm_mach::Wait::Spin);
            request(&send, &replies, number)?;
            port.set(Some(replies));
            Ok(())
        },
        || {
            let replies: ReceiveRight = port.take().ok_or("nothing was asked")?;
            receive_number(&replies, &mut message)
        },
    )?;
    finish(&receive, &mut message, measure)
}

#[inline(always)]
fn request(send: &SendRight, replies: &ReceiveRight, number: u64) -> Result<(), Failure> {
    let body = number.to_le_bytes();
    let message = Message::new(0, &body).reply_to(replies.make_send_once());
    Ok(send.send(message).map_err(|error| error.failure())?)
}

/// The serving side: each number goes back by the reply right that came with it.
fn answer(side: &Side, receive: &ReceiveRight, send: &SendRight) -> Result<Measure, Failure> {
    let mut message = Received::new();
    for due in 1..=messages(side) {
        receive.receive(&mut message)?;
        let number = number_in(&message)?;
        expect(number, due)?;
        let reply = message.take_reply().ok_or("a request came without a reply right")?;
        let body = number.to_le_bytes();
        reply.send(Message::new(0, &body)).map_err(|error| error.failure())?;
    }
    // Says that nothing came twice: the asking side waits for it before it is gone.
    send_number(send, messages(side))?;
    Ok(Measure::Served)
}

/// The asking side's end: the server has answered every request, once.
fn finish(receive: &ReceiveRight, message: &mut Received, measure: Measure) -> Result<Measure, Failure> {
    receive.receive(message)?;
    number_in(message)?;
    Ok(measure)
}
