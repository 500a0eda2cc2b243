//! Calls on names: those of the task's space, and those of the system's objects.

use mach::ipc::Disposition;
use mach::{PortError, RawName, RightKind, TypeBits};

use crate::code::Code;
use crate::objects::Objects;
use crate::session::Session;

/// A right by the number that C has for it.
pub(crate) enum RightNumber {
    Kind(RightKind),
    /// `MACH_PORT_RIGHT_LABELH`: no name has it.
    Obsolete,
}

impl RightNumber {
    /// # Errors
    /// [`Code::INVALID_VALUE`] of a number from 6 on.
    pub(crate) fn new(number: u32) -> Result<Self, Code> {
        match RightKind::from_number(number) {
            Some(kind) => Ok(Self::Kind(kind)),
            None if number < mach::ipc::right::RIGHT_NUMBER => Ok(Self::Obsolete),
            None => Err(Code::INVALID_VALUE),
        }
    }

    /// Of one that is to be made.
    ///
    /// # Errors
    /// [`Code::INVALID_VALUE`].
    pub(crate) fn kind(number: u32) -> Result<RightKind, Code> {
        RightKind::from_number(number).ok_or(Code::INVALID_VALUE)
    }
}

impl Session {
    /// A call on a name of the space, which finds an object of the system's instead: that has not the
    /// right that the call needs.
    pub(crate) fn in_space<T>(&self, name: u32, result: Result<T, PortError>) -> Result<T, Code> {
        match result {
            Err(PortError::UnknownName) if self.objects.has(name) => Err(Code::INVALID_RIGHT),
            result => result.map_err(Code::from),
        }
    }

    /// `mach_port_names`.
    pub(crate) fn all_names(&self) -> Result<(Vec<u32>, Vec<u32>), Code> {
        let own = self.task.names()?.into_iter().map(|(name, bits)| (name.get(), bits.bits()));
        let objects = self.objects.names().into_iter().map(|name| (name, Objects::TYPE.bits()));
        Ok(own.chain(objects).unzip())
    }

    /// `mach_port_type`.
    pub(crate) fn right_type(&self, name: u32) -> Result<TypeBits, Code> {
        if self.objects.has(name) {
            return Ok(Objects::TYPE);
        }
        Ok(self.task.right_type(RawName(name))?)
    }

    /// `mach_port_destroy`.
    pub(crate) fn destroy(&self, name: u32) -> Result<(), Code> {
        if let Some(done) = self.objects.destroy(name) {
            return done;
        }
        Ok(self.task.destroy(RawName(name))?)
    }

    /// `mach_port_deallocate`.
    pub(crate) fn deallocate(&self, name: u32) -> Result<(), Code> {
        if let Some(done) = self.objects.mod_refs(name, RightKind::Send, -1) {
            return done;
        }
        Ok(self.task.deallocate(RawName(name))?)
    }

    /// `mach_port_get_refs`.
    pub(crate) fn get_refs(&self, name: u32, right: u32) -> Result<u32, Code> {
        let RightNumber::Kind(right) = RightNumber::new(right)? else {
            return self.known(name).map(|()| 0);
        };
        if let Some(count) = self.objects.get_refs(name, right) {
            return Ok(count.into());
        }
        Ok(self.task.get_refs(RawName(name), right)?.into())
    }

    /// `mach_port_mod_refs`.
    pub(crate) fn mod_refs(&self, name: u32, right: u32, delta: i32) -> Result<(), Code> {
        let RightNumber::Kind(right) = RightNumber::new(right)? else {
            return self.known(name).and(Err(Code::INVALID_RIGHT));
        };
        if let Some(done) = self.objects.mod_refs(name, right, delta) {
            return done;
        }
        Ok(self.task.mod_refs(RawName(name), right, delta)?)
    }

    /// Whether anything has this name. NULL and DEAD are no names.
    fn known(&self, name: u32) -> Result<(), Code> {
        let is_valid = RawName(name).is_valid();
        if is_valid { self.right_type(name).map(|_| ()) } else { Err(Code::INVALID_NAME) }
    }

    /// `mach_port_insert_right`.
    pub(crate) fn insert_right(&self, name: u32, right: u32, disposition: u32) -> Result<(), Code> {
        let disposition = Disposition::from_number(disposition).ok_or(Code::INVALID_VALUE)?;
        self.check_object(right, disposition)?;
        Ok(self.task.insert_right(RawName(name), RawName(right), disposition)?)
    }

    /// `mach_port_extract_right`: the right's name, and what it is.
    pub(crate) fn extract_right(&self, name: u32, disposition: u32) -> Result<(u32, u32), Code> {
        let disposition = Disposition::from_number(disposition).ok_or(Code::INVALID_VALUE)?;
        self.check_object(name, disposition)?;
        let taken = self.task.extract_right(RawName(name), disposition)?;
        Ok((taken.0, disposition.port_type().number()))
    }

    /// Rights to objects are nobody's to hand on (TP2).
    fn check_object(&self, name: u32, disposition: Disposition) -> Result<(), Code> {
        match disposition {
            _ if !self.objects.has(name) => Ok(()),
            Disposition::CopySend | Disposition::MoveSend => Err(Code::INVALID_CAPABILITY),
            _ => Err(Code::INVALID_RIGHT),
        }
    }
}

impl Session {
    /// `mach_port_kobject`: what kind of object a right leads to; 0 of a port (F30).
    pub(crate) fn object_kind(&self, name: u32) -> Result<u32, Code> {
        self.known(name)?;
        if let Some(kind) = self.objects.kind(name) {
            return Ok(kind);
        }
        let bits = self.right_type(name)?;
        let is_port = bits.contains(TypeBits::SEND) || bits.contains(TypeBits::RECEIVE);
        if is_port { Ok(0) } else { Err(Code::INVALID_RIGHT) }
    }
}
