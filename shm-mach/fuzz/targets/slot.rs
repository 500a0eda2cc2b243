//! A slot, and the payload that it leads to: eight words of a slot, then the payload region, or that of a large
//! message.
#![no_main]

use futex::sync::{AtomicU64, Ordering};
use libfuzzer_sys::fuzz_target;
use shm_mach::ring::layout::Slot;
use shm_mach::ring::payload;
use shm_mach::ring::region;
use shm_mach::ring::slot::Head;

fuzz_target!(|bytes: &[u8]| {
    let words: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let Some((first, region)) = words.split_first_chunk::<8>() else { return };
    let slot = Slot::default();
    for (to, from) in slot.words.iter().zip(first) {
        to.store(*from, Ordering::Relaxed);
    }
    let Ok(head) = Head::decode([first[0], first[1], first[2], first[3]], || [first[4], first[5]]) else {
        return;
    };
    let again = Head::decode(head.encode(first[0] as u32), || head.encode_place(head.region.unwrap()));
    assert_eq!(again, Ok(head));
    let region: Vec<AtomicU64> = region.iter().copied().map(AtomicU64::new).collect();
    let (mut records, mut body) = (Vec::new(), Vec::new());
    let read = match head.region {
        None => payload::read(&slot, &region, &head, &mut records, &mut body),
        Some(_) => region::read(&region, &head, &mut records, &mut body),
    };
    if read.is_ok() {
        assert_eq!(records.len() + body.len(), head.length + head.rights * 32);
    }
});
