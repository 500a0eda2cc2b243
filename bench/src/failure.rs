//! Why a run ended early.

/// Any error, already worded for the reader.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Checks a number that came over the transport against the one that was due.
#[inline]
pub(crate) fn expect(got: u64, due: u64) -> Result<(), Failure> {
    if got == due { Ok(()) } else { Err(wrong(got, due)) }
}

#[cold]
fn wrong(got: u64, due: u64) -> Failure {
    format!("payload check failed: message {due} was due, {got} came").into()
}
