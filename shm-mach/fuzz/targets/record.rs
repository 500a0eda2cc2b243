//! The records of the rights in a message; and of a message in Mach's form, what it says of its payload.
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
    let Some((record, payload)) = bytes.split_first_chunk() else { return };
    if let Some(Record::Form(form)) = Record::decode(record) {
        let is_good = form.check(payload, std::iter::repeat_n(None, payload.len() / 8));
        let parts = form.parts(payload).unwrap_or_default();
        let memory = parts.descriptors().map(|one| parts.memory_of(&one).expect("memory of the payload").len());
        let memory: usize = memory.sum();
        assert!(memory <= parts.memory.len() && (!is_good || memory == parts.memory.len()));
    }
});
