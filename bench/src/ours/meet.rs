//! How the two processes of a row come to share ports, and numbered messages between them.

use crate::failure::Failure;
use crate::side::Side;
use rustix::net::SocketType;
use shm_mach::{Joined, Message, Options, ReceiveRight, Received, SendRight, Wait, join};

/// Joins the two sides by a fresh socket pair; both must call this, in the same order among set-up calls.
pub(super) fn meet(side: &Side, wait: Wait) -> Result<Joined, Failure> {
    let joined = join(side.channel(SocketType::STREAM)?, &Options::default())?;
    joined.receive.set_wait(wait);
    joined.send.set_wait(wait);
    Ok(joined)
}

/// Sends a number as a message of eight bytes.
#[inline(always)]
pub(super) fn send_number(send: &SendRight, number: u64) -> Result<(), Failure> {
    send_body(send, &number.to_le_bytes())
}

/// Sends a message with a body.
#[inline(always)]
pub(super) fn send_body(send: &SendRight, body: &[u8]) -> Result<(), Failure> {
    // The error would borrow the body.
    Ok(send.send(Message::new(0, body)).map_err(|error| error.failure())?)
}

/// Receives a message of eight bytes.
#[inline(always)]
pub(super) fn receive_number(receive: &ReceiveRight, into: &mut Received) -> Result<u64, Failure> {
    receive.receive(into)?;
    number_in(into)
}

/// The number in a received message of eight bytes.
#[inline(always)]
pub(super) fn number_in(message: &Received) -> Result<u64, Failure> {
    match message.body().try_into() {
        Ok(body) => Ok(u64::from_le_bytes(body)),
        Err(_) => Err(format!("a body of {} bytes came, 8 were due", message.body().len()).into()),
    }
}
