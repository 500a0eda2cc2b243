//! Sending messages that carry receive rights.

use std::sync::Arc;

use futex::Deadline;

use super::SendRight;
use crate::client::error::SendFailure;
use crate::client::link::Link;
use crate::client::right::Passage;
use crate::ring::lane_out::Refusal;
use crate::ring::slot::{BODY_MAX, Head};
use crate::wire::request::PortRef;

impl SendRight {
    /// Sends a message whose receive rights leave the task when it is published. It is tried only where
    /// there is room, so that the ports are closed for a moment and not for a wait.
    #[cold]
    pub(super) fn transfer_moving(
        &self,
        link: &Arc<Link>,
        port: PortRef,
        mut head: Head,
        (passage, body): (&Passage<'_>, &[u8]),
        deadline: Deadline,
    ) -> Result<(), SendFailure> {
        let mut own = self.sender.borrow_mut();
        let sender = self.ready(&mut own, link, port)?;
        let (bytes, parts) = (head.payload_bytes(), [&passage.records[..], body]);
        if head.length > BODY_MAX {
            return Err(SendFailure::TooLarge { length: head.length, longest: BODY_MAX });
        }
        loop {
            let refusal = if sender.lane.see_death() {
                Refusal::Dead
            } else if !sender.lane.has_room(bytes) {
                Refusal::Full
            } else {
                let loan =
                    if bytes > link.longest_payload() { Some(self.task.lend(link, bytes)?) } else { None };
                head.region = loan.as_ref().map(|loan| loan.write(parts));
                match passage.publish(|| sender.lane.push(head, parts))? {
                    Ok(bell) => {
                        loan.into_iter().for_each(|loan| loan.sent(sender.index, sender.lane.position()));
                        bell.into_iter().for_each(|bell| link.ring(bell));
                        return Ok(());
                    }
                    Err(refusal) => refusal,
                }
            };
            if let Err(failure) = self.overcome(refusal, link, sender, head, deadline) {
                if sender.lane.see_death() && !self.held.is_dead() {
                    self.close(own.take()); // a later right lives: the next send opens another lane
                }
                return Err(failure);
            }
        }
    }
}
