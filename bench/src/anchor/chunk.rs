//! The ceiling of a copied stream of large messages: a ring of chunks, one copy in and one copy out, no protection.

use crate::failure::{Failure, expect};
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::shared::{APART, Shared};
use crate::side::{Role, Side};
use crate::stream::{drain, pour};
use std::hint::spin_loop;
use std::sync::atomic::Ordering::{Acquire, Release};

/// Bytes of a message.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Messages that the ring holds.
const CHUNKS: u64 = 8;

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[Row {
    name: "chunk_ring",
    payload: Some(CHUNK as u64),
    wait: Some(Wait::Spin),
    anchor: None,
    place: Place::TwoCores,
    count: 20_000,
    run: chunk_ring,
}];

/// Where the count of chunks filled lies, that of chunks emptied, and the chunks.
const FILLED: usize = 0;
const EMPTIED: usize = APART;
const FIRST: usize = 4096;

fn chunk_ring(side: &Side) -> Result<Measure, Failure> {
    let shared = side.shared(FIRST + CHUNKS as usize * CHUNK)?;
    match side.role {
        Role::Left => receive(side, &shared),
        Role::Right => send(side, &shared),
    }
}

fn send(side: &Side, shared: &Shared) -> Result<Measure, Failure> {
    let (filled, emptied) = (shared.word64(FILLED), shared.word64(EMPTIED));
    let mut body = vec![0x5a; CHUNK];
    let (mut own, mut seen) = (0, 0);
    pour(side, |number| {
        number_ends(&mut body, number);
        while own - seen == CHUNKS {
            seen = emptied.load(Acquire);
            if own - seen == CHUNKS {
                spin_loop();
            }
        }
        shared.copy_in(place(own), &body);
        own += 1;
        filled.store(own, Release);
        Ok(())
    })
}

fn receive(side: &Side, shared: &Shared) -> Result<Measure, Failure> {
    let (filled, emptied) = (shared.word64(FILLED), shared.word64(EMPTIED));
    let mut body = vec![0; CHUNK];
    let (mut own, mut seen) = (0, 0);
    drain(side, || {
        while own == seen {
            seen = filled.load(Acquire);
            if own == seen {
                spin_loop();
            }
        }
        shared.copy_out(place(own), &mut body);
        own += 1;
        emptied.store(own, Release);
        number_of(&body)
    })
}

/// The offset of the chunk for message `index`.
fn place(index: u64) -> usize {
    FIRST + (index % CHUNKS) as usize * CHUNK
}

/// Writes the number of a message at both ends of its body.
pub(crate) fn number_ends(body: &mut [u8], number: u64) {
    let last = body.len() - size_of::<u64>();
    body[..size_of::<u64>()].copy_from_slice(&number.to_le_bytes());
    body[last..].copy_from_slice(&number.to_le_bytes());
}

/// Reads the number of a message, which must be the same at both ends.
pub(crate) fn number_of(body: &[u8]) -> Result<u64, Failure> {
    let first = body.first_chunk().ok_or("a body without a number")?;
    let last = body.last_chunk().ok_or("a body without a number")?;
    let number = u64::from_le_bytes(*first);
    expect(u64::from_le_bytes(*last), number)?;
    Ok(number)
}
