//! The second checks of a send: what the message holds.

use super::descriptor::{Address, DESCRIPTOR_MAX, Descriptor, measure};
use super::header::Header;
use super::options::Options;
use super::outline::Outline;
use super::refusal::SendRefusal;

/// The most rights in a body, those in arrays included.
pub const RIGHTS_MAX: u32 = 16_383;
/// The most descriptors of a call to an object.
pub const OBJECT_DESCRIPTORS_MAX: u32 = 3;

/// A message that is well formed. It says nothing yet of the names in it, nor of the memory that it
/// leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape<'a> {
    header: Header,
    table: Table<'a>,
    rights: u32,
    body: &'a [u8],
}

/// The descriptors of a message, in their order. Each was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table<'a> {
    bytes: &'a [u8],
    count: u32,
}

impl Iterator for Table<'_> {
    type Item = Descriptor<Address>;

    fn next(&mut self) -> Option<Self::Item> {
        self.count = self.count.checked_sub(1)?;
        let descriptor = Descriptor::decode(self.bytes, self.count).ok()?;
        self.bytes = self.bytes.get(descriptor.bytes()..)?;
        Some(descriptor)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count as usize, Some(self.count as usize))
    }
}

impl ExactSizeIterator for Table<'_> {}

impl Outline {
    /// What the message holds. `message` is a private copy of it from its first byte on, as far as
    /// it could be read; the header in it does not count any more.
    ///
    /// # Errors
    /// 1. [`SendRefusal::ObjectCount`] (Z8): too many descriptors for a call to an object.
    /// 2. [`SendRefusal::UnreadableBody`] (Z11): descriptors that cannot be read.
    /// 3. [`SendRefusal::DescriptorType`], [`SendRefusal::DescriptorCut`] (Z9): all descriptors, in
    ///    their order.
    /// 4. [`SendRefusal::CopyOption`], [`SendRefusal::Guard`], [`SendRefusal::Rights`] (Z10): all
    ///    descriptors again.
    /// 5. [`SendRefusal::UnreadableBody`] (Z11): the rest.
    /// 6. [`SendRefusal::Rights`] (Z10): more than [`RIGHTS_MAX`].
    pub fn shape<'a>(&self, options: Options, message: &'a [u8]) -> Result<Shape<'a>, SendRefusal> {
        let count = self.descriptors();
        if options.contains(Options::SEND_KOBJECT_CALL) && count > OBJECT_DESCRIPTORS_MAX {
            return Err(SendRefusal::ObjectCount { count });
        }
        let size = self.header().size as usize;
        let most = (count as usize).saturating_mul(DESCRIPTOR_MAX);
        let end = self.body_at().saturating_add(most).min(size);
        let region = message.get(self.body_at()..end).ok_or(SendRefusal::UnreadableBody)?;
        let body_at = self.body_at().saturating_add(table_bytes(region, count, options)?);
        let bytes = message.get(self.body_at()..body_at).unwrap_or_default();
        let rights = check_each(Table { bytes, count })?;
        let body = message.get(body_at..size).ok_or(SendRefusal::UnreadableBody)?;
        if rights > RIGHTS_MAX {
            return Err(SendRefusal::Rights { most: RIGHTS_MAX });
        }
        Ok(Shape { header: *self.header(), table: Table { bytes, count }, rights, body })
    }
}

/// How many bytes `count` descriptors take from the front of `region` (Z9).
fn table_bytes(region: &[u8], count: u32, options: Options) -> Result<usize, SendRefusal> {
    let mut at = 0_usize;
    for index in 0..count {
        let rest = region.get(at..).unwrap_or_default();
        at = at.saturating_add(measure(rest, index, options)?);
    }
    Ok(at)
}

/// What one descriptor can say wrong (Z10), of each; returns how many rights they carry.
fn check_each(table: Table<'_>) -> Result<u32, SendRefusal> {
    let (mut bytes, mut rights) = (table.bytes, 0_u32);
    for index in 0..table.count {
        let descriptor = Descriptor::decode(bytes, index)?;
        bytes = bytes.get(descriptor.bytes()..).unwrap_or_default();
        let sum = rights.checked_add(descriptor.rights());
        rights = sum.ok_or(SendRefusal::Rights { most: RIGHTS_MAX })?;
    }
    Ok(rights)
}

impl<'a> Shape<'a> {
    /// The header; its size is that of the call.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The descriptors; none if the message is not COMPLEX, and perhaps none if it is.
    pub fn descriptors(&self) -> Table<'a> {
        self.table
    }

    /// How many rights the descriptors carry, NULL and DEAD included.
    pub fn rights(&self) -> u32 {
        self.rights
    }

    /// The plain bytes behind the descriptors.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// How many bytes of memory out of line the message leads to.
    pub fn memory(&self) -> u64 {
        let sizes = self.table.filter_map(|descriptor| descriptor.memory().map(|(_, bytes)| bytes));
        sizes.fold(0, u64::saturating_add)
    }
}
