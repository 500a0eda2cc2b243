//! The rules for the bytes of a message, one test a row of Mach's semantics. Messages are built here
//! byte by byte, by what C declares, and not by the code that is tested.

#[path = "message_rows/descriptors.rs"]
mod descriptors;
#[path = "message_rows/header.rs"]
mod header;
#[path = "message_rows/notifications.rs"]
mod notifications;
#[path = "message_rows/properties.rs"]
mod properties;
#[path = "message_rows/receive.rs"]
mod receive;
#[path = "message_rows/returned.rs"]
mod returned;
#[path = "message_rows/send.rs"]
mod send;
#[path = "message_rows/trailers.rs"]
mod trailers;
#[path = "message_rows/vectors.rs"]
mod vectors;

use shm_mach::wire::mach::{Options, Outline, SendRefusal, Shape};

const COMPLEX: u32 = 0x8000_0000;
const MOVE_RECEIVE: u8 = 16;
const MOVE_SEND: u8 = 17;
const MOVE_SEND_ONCE: u8 = 18;
const COPY_SEND: u8 = 19;
const MAKE_SEND: u8 = 20;
const MAKE_SEND_ONCE: u8 = 21;
const DEAD: u32 = u32::MAX;

/// What a send call gets: the message, and the size in the arguments.
#[derive(Clone, Debug, Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    /// A header with these bits, to 0x103 and without a reply; id 7; a size that nobody may believe.
    fn header(bits: u32) -> Self {
        Self::words(&[bits, 0xdead_beef, 0x103, 0, 0, 7])
    }

    /// A COMPLEX one, that announces `count` descriptors.
    fn base(count: u32) -> Self {
        Self::header(COMPLEX | u32::from(COPY_SEND)).word(count)
    }

    fn words(words: &[u32]) -> Self {
        words.iter().fold(Self::default(), |bytes, word| bytes.word(*word))
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn word(self, word: u32) -> Self {
        self.raw(&word.to_le_bytes())
    }

    fn long(self, long: u64) -> Self {
        self.raw(&long.to_le_bytes())
    }

    fn port(self, name: u32, disposition: u8) -> Self {
        self.word(name).word(0).raw(&[0, 0, disposition, 0])
    }

    fn memory(self, address: u64, size: u32, copy: u8) -> Self {
        self.long(address).raw(&[0, copy, 0, 1]).word(size)
    }

    fn ports(self, address: u64, count: u32, disposition: u8) -> Self {
        self.long(address).raw(&[0, 1, disposition, 2]).word(count)
    }

    fn guarded(self, context: u64, flags: u16, disposition: u8, name: u32) -> Self {
        self.long(context).raw(&flags.to_le_bytes()).raw(&[disposition, 4]).word(name)
    }

    fn size(&self) -> u32 {
        self.0.len() as u32
    }

    fn outline(&self) -> Result<Outline, SendRefusal> {
        Outline::of_memory(self.size(), &self.0)
    }

    fn check(&self) -> Result<Shape<'_>, SendRefusal> {
        self.check_with(Options::NONE)
    }

    fn check_with(&self, options: Options) -> Result<Shape<'_>, SendRefusal> {
        self.outline()?.shape(options, &self.0)
    }
}

/// The words of received bytes.
fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}
