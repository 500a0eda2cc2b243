//! `message.h`: messages.

use crate::abi::{Demux, Message};
use crate::messages::{Wish, message, message2};
use crate::server::Service;
use crate::session::Session;

const SEND: u32 = 1;
const RECEIVE: u32 = 2;

#[unsafe(no_mangle)]
extern "C" fn mach_msg(
    buffer: Message,
    options: u32,
    send_size: u32,
    receive_size: u32,
    receive_name: u32,
    timeout: u32,
    _notify: u32,
) -> u32 {
    message(&buffer, &buffer, Wish { options, send_size, receive_size, receive_name, timeout }).get()
}

#[unsafe(no_mangle)]
extern "C" fn mach_msg_overwrite(
    buffer: Message,
    options: u32,
    send_size: u32,
    receive_size: u32,
    receive_name: u32,
    timeout: u32,
    _notify: u32,
    into: Message,
    _limit: u32,
) -> u32 {
    let into = if into.is_null() { &buffer } else { &into };
    message(&buffer, into, Wish { options, send_size, receive_size, receive_name, timeout }).get()
}

/// Two numbers are in each of the middle arguments, the first in its lower half: bits and size to be sent,
/// remote and local port, voucher and id, count of descriptors and name to receive from, room and
/// priority.
#[unsafe(no_mangle)]
extern "C" fn mach_msg2_internal(
    data: Message,
    options: u64,
    bits_size: u64,
    remote_local: u64,
    voucher_id: u64,
    count_name: u64,
    room_priority: u64,
    timeout: u64,
) -> u32 {
    let packed = [bits_size, remote_local, voucher_id, count_name, room_priority];
    message2(&data, options, packed, timeout).get()
}

#[unsafe(no_mangle)]
extern "C" fn mach_msg_send(header: Message) -> u32 {
    let (options, send_size) = (SEND, header.size());
    let wish = Wish { options, send_size, receive_size: 0, receive_name: 0, timeout: 0 };
    message(&header, &header, wish).get()
}

#[unsafe(no_mangle)]
extern "C" fn mach_msg_receive(header: Message) -> u32 {
    let (receive_size, receive_name) = (header.size(), header.local());
    let wish = Wish { options: RECEIVE, send_size: 0, receive_size, receive_name, timeout: 0 };
    message(&header, &header, wish).get()
}

#[unsafe(no_mangle)]
extern "C" fn mach_msg_destroy(header: Message) {
    if let Ok(session) = Session::current() {
        session.destroy_message(&header);
    }
}

#[unsafe(no_mangle)]
extern "C" fn mach_msg_server(demux: Demux, most: u32, port: u32, options: u32) -> u32 {
    Service { demux, most, port, options }.run(false).get()
}

#[unsafe(no_mangle)]
extern "C" fn mach_msg_server_once(demux: Demux, most: u32, port: u32, options: u32) -> u32 {
    Service { demux, most, port, options }.run(true).get()
}
