//! The layouts as C declares them, packed to 4 bytes. No value is ever made of these types: they
//! tell sizes and offsets, and hold them.
#![allow(dead_code, reason = "declared for their sizes and offsets alone")]

use std::mem::offset_of;

/// `mach_msg_header_t`.
#[repr(C, packed(4))]
pub(super) struct Header {
    pub(super) bits: u32,
    pub(super) size: u32,
    pub(super) remote: u32,
    pub(super) local: u32,
    pub(super) voucher: u32,
    pub(super) id: i32,
}

/// `mach_msg_base_t`.
#[repr(C, packed(4))]
pub(super) struct Base {
    header: Header,
    descriptors: u32,
}

/// `mach_msg_port_descriptor_t`.
#[repr(C, packed(4))]
pub(super) struct Port {
    name: u32,
    pad1: u32,
    pad2: u16,
    disposition: u8,
    kind: u8,
}

/// `mach_msg_ool_descriptor_t`.
#[repr(C, packed(4))]
pub(super) struct Memory {
    address: u64,
    deallocate: u8,
    copy: u8,
    pad: u8,
    kind: u8,
    size: u32,
}

/// `mach_msg_ool_ports_descriptor_t`.
#[repr(C, packed(4))]
struct Ports {
    address: u64,
    deallocate: u8,
    copy: u8,
    disposition: u8,
    kind: u8,
    count: u32,
}

/// `mach_msg_guarded_port_descriptor_t`.
#[repr(C, packed(4))]
struct GuardedPort {
    context: u64,
    flags: u16,
    disposition: u8,
    kind: u8,
    name: u32,
}

/// `mach_msg_trailer_t`.
#[repr(C, packed(4))]
pub(super) struct Trailer {
    kind: u32,
    size: u32,
}

/// `mach_msg_mac_trailer_t`. Each shorter trailer is the front of it.
#[repr(C, packed(4))]
pub(super) struct MacTrailer {
    head: Trailer,
    seqno: u32,
    pub(super) sender: [u32; 2],
    pub(super) audit: [u32; 8],
    pub(super) context: u64,
    pub(super) ad: u32,
    labels: u32,
}

/// `mach_msg_vector_t`.
#[repr(C, packed(4))]
pub(super) struct Vector {
    data: u64,
    receive_at: u64,
    send_size: u32,
    receive_size: u32,
}

/// `mach_msg_aux_header_t`.
#[repr(C, packed(4))]
pub(super) struct AuxHeader {
    size: u32,
    reserved: u32,
}

/// Where each descriptor has its type.
pub(super) const KIND_AT: usize = offset_of!(Port, kind);

const _: () = {
    assert!(size_of::<Header>() == 24 && size_of::<Base>() == 28);
    assert!(offset_of!(Header, size) == 4 && offset_of!(Header, remote) == 8);
    assert!(offset_of!(Header, local) == 12 && offset_of!(Header, voucher) == 16);
    assert!(offset_of!(Header, id) == 20 && offset_of!(Base, descriptors) == 24);
};

const _: () = {
    assert!(size_of::<Port>() == 12 && size_of::<Memory>() == 16);
    assert!(size_of::<Ports>() == 16 && size_of::<GuardedPort>() == 16);
    assert!(KIND_AT == 11 && offset_of!(Memory, kind) == 11);
    assert!(offset_of!(Ports, kind) == 11 && offset_of!(GuardedPort, kind) == 11);
    assert!(offset_of!(Port, disposition) == 10 && offset_of!(Ports, disposition) == 10);
    assert!(offset_of!(GuardedPort, disposition) == 10 && offset_of!(GuardedPort, flags) == 8);
    assert!(offset_of!(Memory, deallocate) == 8 && offset_of!(Memory, copy) == 9);
    assert!(offset_of!(Ports, deallocate) == 8 && offset_of!(Ports, copy) == 9);
    assert!(offset_of!(Memory, size) == 12 && offset_of!(Ports, count) == 12);
    assert!(offset_of!(GuardedPort, name) == 12);
};

const _: () = {
    assert!(size_of::<Trailer>() == 8 && size_of::<MacTrailer>() == 68);
    assert!(offset_of!(MacTrailer, seqno) == 8 && offset_of!(MacTrailer, sender) == 12);
    assert!(offset_of!(MacTrailer, audit) == 20 && offset_of!(MacTrailer, context) == 52);
    assert!(offset_of!(MacTrailer, ad) == 60 && offset_of!(MacTrailer, labels) == 64);
    assert!(size_of::<Vector>() == 24 && size_of::<AuxHeader>() == 8);
    assert!(offset_of!(Vector, receive_at) == 8 && offset_of!(Vector, send_size) == 16);
    assert!(offset_of!(Vector, receive_size) == 20);
};
