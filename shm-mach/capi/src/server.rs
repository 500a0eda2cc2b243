//! `mach_msg_server`: serves requests by a function that the program has for them.

use mach::mach::{Code as Outcome, Options};

use crate::abi::{Demux, Message};
use crate::messages::{Wish, message};
use crate::session::Session;

/// `MIG_NO_REPLY`: the answer comes later, or not at all.
const NO_REPLY: u32 = -305_i32 as u32;
/// Words of a reply that tells no more than a code: where that is.
const RETURN_CODE: usize = 8;
/// Bytes behind each message.
const TRAILER_MAX: u32 = 68;
/// `MACH_MSG_TYPE_MOVE_SEND_ONCE`.
const MOVE_SEND_ONCE: u32 = 18;

/// What a server is told once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    pub(crate) demux: Demux,
    /// Bytes of the longest message, either way.
    pub(crate) most: u32,
    pub(crate) port: u32,
    /// What receives and sends ask for besides.
    pub(crate) options: u32,
}

/// Room for messages, aligned as C's structures are.
fn room(bytes: u32) -> Vec<u64> {
    vec![0; (bytes as usize).div_ceil(8)]
}

impl Service {
    /// Serves until a receive fails, or one request.
    pub(crate) fn run(self, is_once: bool) -> Outcome {
        let Ok(session) = Session::current() else { return Outcome::RCV_INVALID_NAME };
        let mut bytes = self.most.saturating_add(TRAILER_MAX);
        let mut request = room(bytes);
        let mut reply = room(bytes);
        loop {
            match self.receive(&Message::of(&mut request), bytes) {
                Ok(()) => {}
                Err((Outcome::RCV_TOO_LARGE, needed)) if needed > bytes => {
                    bytes = needed;
                    request = room(bytes);
                    continue;
                }
                Err((code, _)) => return code,
            }
            self.answer(session, &Message::of(&mut request), &Message::of(&mut reply));
            if is_once {
                return Outcome::SUCCESS;
            }
        }
    }

    /// A request; or the code, and how much room the request needs that is still there.
    fn receive(&self, request: &Message, bytes: u32) -> Result<(), (Outcome, u32)> {
        // What a send asks for is not asked of a receive.
        const SENDS: u32 = 0x00ff_00f1;
        let options = self.options & !SENDS | Options::RCV_MSG.bits() as u32;
        let wish = Wish { options, send_size: 0, receive_size: bytes, receive_name: self.port, timeout: 0 };
        match message(request, request, wish) {
            Outcome::SUCCESS => Ok(()),
            code if Options::from_bits(options.into()).contains(Options::RCV_LARGE) => {
                Err((code, request.size().saturating_add(TRAILER_MAX)))
            }
            code => Err((code, 0)),
        }
    }

    /// Has the program answer a request, and sends the answer (ML2).
    fn answer(&self, session: &Session, request: &Message, reply: &Message) {
        let _ = (self.demux)(request.pointer(), reply.pointer());
        let mut has_reply = reply.remote() != 0;
        if !reply.is_complex() {
            match reply.word(RETURN_CODE) {
                0 => {}
                NO_REPLY => has_reply = false,
                _ => {
                    // The program took nothing of the request but the right to answer.
                    request.forget_remote();
                    session.destroy_message(request);
                }
            }
        }
        if !has_reply {
            return;
        }
        // Whoever asked and does not receive must not hold up the others.
        let waits = reply.bits() & 0x1f == MOVE_SEND_ONCE;
        let timeout = if waits { 0 } else { Options::SEND_TIMEOUT.bits() as u32 };
        let wish = Wish {
            options: Options::SEND_MSG.bits() as u32 | timeout,
            send_size: reply.size(),
            receive_size: 0,
            receive_name: 0,
            timeout: 0,
        };
        if message(reply, reply, wish) != Outcome::SUCCESS {
            session.destroy_message(reply);
        }
    }
}
