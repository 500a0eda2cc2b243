//! The records of the rights in a message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shm_mach::ring::slot::RIGHT_BYTES;
use shm_mach::wire::record::Record;

fuzz_target!(|bytes: &[u8]| {
    for bytes in bytes.as_chunks::<RIGHT_BYTES>().0 {
        if let Some(record) = Record::decode(bytes) {
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }
});
