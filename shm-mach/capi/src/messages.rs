//! Messages in a C program's memory: sent and received, given up, and served.

use mach::mach::{Address, Arguments, Call, Code as Outcome, Options};
use mach::{RawName, RightKind};

use crate::abi::Message;
use crate::code::Code;
use crate::memory::deallocate;
use crate::session::Session;

/// `MACH_MSG_TYPE_*`.
const MOVE_RECEIVE: u32 = 16;
const MOVE_SEND: u32 = 17;
const MOVE_SEND_ONCE: u32 = 18;
const MAKE_SEND: u32 = 20;
const MAKE_SEND_ONCE: u32 = 21;

/// `MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND`.
const UNGUARDED_ON_SEND: u32 = 2;

/// What a call asks for, as `mach_msg` has it in its arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) options: u32,
    pub(crate) send_size: u32,
    pub(crate) receive_size: u32,
    pub(crate) receive_name: u32,
    /// In milliseconds.
    pub(crate) timeout: u32,
}

/// What a call comes to that has no names to look at.
fn without_task(options: Options) -> Outcome {
    let is_send = options.contains(Options::SEND_MSG);
    if is_send { Outcome::SEND_INVALID_DEST } else { Outcome::RCV_INVALID_NAME }
}

/// `mach_msg_overwrite`.
pub(crate) fn message(message: &Message, into: &Message, wish: Wish) -> Outcome {
    let options = Options::from_bits(wish.options.into());
    let Ok(session) = Session::current() else { return without_task(options) };
    let call = Call {
        options,
        send_size: wish.send_size,
        receive_size: wish.receive_size,
        receive_name: RawName(wish.receive_name),
        timeout: wish.timeout,
    };
    session.task.mach_msg_raw(message.promise(), Address(message.address()), Address(into.address()), &call)
}

/// `mach_msg2`: the header is in `packed`.
pub(crate) fn message2(data: &Message, options: u64, packed: [u64; 5], timeout: u64) -> Outcome {
    let options = Options::from_bits(options);
    let Ok(session) = Session::current() else { return without_task(options) };
    let timeout = u32::try_from(timeout).unwrap_or(u32::MAX);
    let arguments = Arguments::unpack(packed);
    session.task.mach_msg2_raw(data.promise(), Address(data.address()), options, &arguments, timeout)
}

impl Session {
    /// `mach_msg_destroy` (ML3): gives up what a message carries; not its local port.
    pub(crate) fn destroy_message(&self, message: &Message) {
        self.release(message.remote(), message.bits() & 0x1f);
        self.release(message.voucher(), message.bits() >> 16 & 0x1f);
        if !message.is_complex() {
            return;
        }
        let mut at = Message::DESCRIPTORS;
        for _ in 0..message.word(Message::COUNT) {
            let Some(words) = self.destroy_descriptor(message, at) else { return };
            at += words;
        }
    }

    /// Gives up what one descriptor carries; how many words it has, `None` of an unknown one.
    fn destroy_descriptor(&self, message: &Message, at: usize) -> Option<usize> {
        let word = message.word(at + 2);
        let (kind, disposition, is_callers) = (word >> 24, word >> 16 & 0xff, word & 0xff != 0);
        match kind {
            0 => {
                self.release(message.word(at), disposition);
                return Some(3);
            }
            1 | 3 if is_callers => free(message, at, message.word(at + 3).into()),
            1 | 3 => {}
            2 => {
                let count = message.word(at + 3);
                for name in message.names_at(at, count) {
                    self.release(name, disposition);
                }
                if is_callers {
                    free(message, at, u64::from(count) * 4);
                }
            }
            4 => {
                let name = message.word(at + 3);
                if word & UNGUARDED_ON_SEND == 0 {
                    let guard = u64::from(message.word(at)) | u64::from(message.word(at + 1)) << 32;
                    let _ = self.task.unguard(RawName(name), guard);
                }
                self.release(name, MOVE_RECEIVE);
            }
            _ => return None,
        }
        Some(4)
    }

    /// Gives up a right that would have travelled like this. What is not there cannot be given up.
    fn release(&self, name: u32, disposition: u32) {
        if !RawName(name).is_valid() {
            return;
        }
        let _ = match disposition {
            MOVE_SEND | MOVE_SEND_ONCE => self.deallocate(name),
            MOVE_RECEIVE => self.mod_refs(name, RightKind::Receive.number(), -1),
            // Made and dropped, as if it had been on its way.
            MAKE_SEND => self.insert_right(name, name, MAKE_SEND).and_then(|()| self.deallocate(name)),
            MAKE_SEND_ONCE => {
                self.extract_right(name, MAKE_SEND_ONCE).and_then(|(made, _)| self.deallocate(made))
            }
            _ => Ok(()),
        };
    }
}

/// Memory of a descriptor that is the program's to give back.
fn free(message: &Message, at: usize, size: u64) {
    let done: Result<(), Code> = deallocate(message.memory_at(at), size);
    debug_assert!(done.is_ok(), "a range that a message has told");
}
