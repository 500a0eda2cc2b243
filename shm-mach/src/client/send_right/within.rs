//! Sending to a port of the task's own.

use std::sync::Arc;

use futex::Deadline;

use super::SendRight;
use crate::client::error::{SendError, SendFailure};
use crate::client::local::LocalMessage;
use crate::client::message::Message;
use crate::client::port::Port;
use crate::client::signals;
use crate::ring::slot::BODY_MAX;

impl SendRight {
    pub(super) fn send_local<'a>(
        &self,
        port: &Arc<Port>,
        message: Message<'a>,
        deadline: Deadline,
    ) -> Result<(), SendError<'a>> {
        let body = message.body;
        if self.held.is_dead() {
            return Err(SendError::new(SendFailure::PortDied, message));
        }
        if body.len() > BODY_MAX {
            let failure = SendFailure::TooLarge { length: body.len(), longest: BODY_MAX };
            return Err(SendError::new(failure, message));
        }
        if message.moves_ports() {
            return self.send_within(port, message, deadline);
        }
        let mut local = LocalMessage::of(message, self.task.identity);
        loop {
            let (refused, is_dead) = match port.send_local(local) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            if is_dead {
                let message = refused.into_message(body);
                if port.moved_to().is_some() {
                    return self.send_deadline(message, deadline);
                }
                return Err(SendError::new(SendFailure::PortDied, message));
            }
            if let Err(failure) = signals::go_on(deadline) {
                return Err(SendError::new(failure, refused.into_message(body)));
            }
            local = refused;
            port.wait_for_room(deadline);
        }
    }

    /// Queues a message with receive rights at a port of this task's own.
    #[cold]
    fn send_within<'a>(
        &self,
        port: &Arc<Port>,
        mut message: Message<'a>,
        deadline: Deadline,
    ) -> Result<(), SendError<'a>> {
        loop {
            let Err((failure, refused)) = port.queue_within(message) else { return Ok(()) };
            message = refused;
            match failure {
                SendFailure::PortDied if port.moved_to().is_some() => {
                    return self.send_deadline(message, deadline);
                }
                SendFailure::TimedOut => match signals::go_on(deadline) {
                    Ok(()) => port.wait_for_room(deadline),
                    Err(failure) => return Err(SendError::new(failure, message)),
                },
                failure => return Err(SendError::new(failure, message)),
            }
        }
    }
}
