//! Requests: messages that carry one right, to be answered by.

use std::sync::Arc;

use futex::Deadline;

use crate::client::error::SendError;
use crate::client::link::Link;
use crate::client::message::Message;
use crate::client::once_right::SendOnceRight;
use crate::client::send_right::SendRight;
use crate::ring::slot::Head;
use crate::wire::request::PortRef;

impl SendRight {
    /// Of all messages with rights nearly every one is a request: it carries one right, to be answered by.
    pub(super) fn send_request<'a>(
        &self,
        link: &Arc<Link>,
        port: PortRef,
        mut message: Message<'a>,
        deadline: Deadline,
    ) -> Result<(), SendError<'a>> {
        let mut head = Head::message(message.id, message.body.len());
        let result = match message.reply.as_ref().and_then(SendOnceRight::local_port) {
            None => Ok(()), // not reachable: it was looked at
            Some(own) => self.task.token_for(own, link).and_then(|token| {
                head.reply = token;
                let result = self.transfer(link, port, head, [&[], message.body], deadline);
                result.inspect_err(|_| token.into_iter().for_each(|token| own.forget_answer(link, token)))
            }),
        };
        match result {
            Ok(()) => {
                if let Some(reply) = message.reply.take() {
                    reply.leave(link.task);
                }
                std::mem::forget(message); // there is nothing in it any more
                Ok(())
            }
            Err(failure) => Err(SendError::new(failure, message)),
        }
    }
}
