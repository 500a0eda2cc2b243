//! A slot, and the payload that it leads to: eight words of a slot, then the payload region.
#![no_main]

use futex::sync::{AtomicU64, Ordering};
use libfuzzer_sys::fuzz_target;
use shm_mach::ring::layout::Slot;
use shm_mach::ring::payload;
use shm_mach::ring::slot::Head;

fuzz_target!(|bytes: &[u8]| {
    let words: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let Some((first, region)) = words.split_first_chunk::<8>() else { return };
    let slot = Slot::default();
    for (to, from) in slot.words.iter().zip(first) {
        to.store(*from, Ordering::Relaxed);
    }
    let Ok(head) = Head::decode([first[0], first[1], first[2], first[3]]) else { return };
    assert_eq!(Head::decode(head.encode(first[0] as u32)), Ok(head));
    let region: Vec<AtomicU64> = region.iter().copied().map(AtomicU64::new).collect();
    let (mut records, mut body) = (Vec::new(), Vec::new());
    if payload::read(&slot, &region, &head, &mut records, &mut body).is_ok() {
        assert_eq!(records.len() + body.len(), head.length + head.rights * 32);
    }
});
