//! Control messages: the first four bytes are the message id, the rest is the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shm_mach::wire::control::Control;

fuzz_target!(|bytes: &[u8]| {
    let Some((id, body)) = bytes.split_first_chunk() else { return };
    if let Some(control) = Control::decode(i32::from_le_bytes(*id), body) {
        let (id, body) = control.encode();
        assert_eq!(Control::decode(id, &body), Some(control));
    }
});
