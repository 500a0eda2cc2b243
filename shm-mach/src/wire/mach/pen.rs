//! Fields one after the other into a buffer that somebody else owns.

/// Writes from the front of a buffer on; what does not fit any more is not written.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    rest: &'a mut [u8],
    written: usize,
}

impl<'a> Pen<'a> {
    pub(super) fn new(buffer: &'a mut [u8]) -> Self {
        Self { rest: buffer, written: 0 }
    }

    /// Adds bytes: all of them, or as many as fit, and then nothing any more.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let count = bytes.len().min(self.rest.len());
        let (to, rest) = std::mem::take(&mut self.rest).split_at_mut(count);
        to.copy_from_slice(bytes.get(..count).unwrap_or_default());
        self.rest = rest;
        self.written = self.written.saturating_add(count);
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// How many bytes were written.
    pub(super) fn written(&self) -> usize {
        self.written
    }
}
