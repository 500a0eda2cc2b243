//! The first message of a peer that is not known yet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shm_mach::wire::hello::Hello;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(hello) = Hello::decode(bytes) {
        assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }
});
