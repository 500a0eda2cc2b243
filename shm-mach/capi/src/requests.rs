//! Requests to be told: `mach_port_request_notification`.

use mach::{Disposition, NotificationKind, RawName, SendOnceRight};

use crate::code::Code;
use crate::session::Session;

/// The notice that is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) name: u32,
    pub(crate) id: i32,
    pub(crate) sync: u32,
    /// The port to be told at, and how a send-once right to it is had.
    pub(crate) notify: u32,
    pub(crate) disposition: u32,
}

impl Session {
    /// Gives the name of the right of the request that was there before, or NULL.
    pub(crate) fn request_notification(&self, wanted: Wanted) -> Result<u32, Code> {
        let notify = self.right_to_tell(wanted.notify, wanted.disposition)?;
        let kind = NotificationKind::from_id(wanted.id).ok_or(Code::INVALID_VALUE)?;
        let asked = self.task.request_notification(RawName(wanted.name), kind, wanted.sync, notify);
        let Some(before) = self.in_space(wanted.name, asked)? else { return Ok(0) };
        Ok(before.into_name(&self.task).map_err(|(error, _)| error)?.get())
    }

    /// The right that a notice is sent by; `None` of NULL, which takes a request back.
    fn right_to_tell(&self, notify: u32, disposition: u32) -> Result<Option<SendOnceRight>, Code> {
        match (RawName(notify), Disposition::from_number(disposition)) {
            (RawName::NULL, _) => Ok(None),
            (RawName::DEAD, _) => Err(Code::INVALID_CAPABILITY),
            (name, Some(Disposition::MakeSendOnce)) => {
                let made = self.task.with_receive_right(name, |port| port.make_send_once());
                self.in_space(notify, made).map(Some)
            }
            (name, Some(Disposition::MoveSendOnce)) => {
                self.in_space(notify, self.task.send_once_right(name)).map(Some)
            }
            _ => Err(Code::BAD_ARGUMENTS),
        }
    }
}
