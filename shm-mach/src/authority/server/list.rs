//! The tables of names, for tools: one task at a time, to those who may look into it.

use std::ops::Bound;
use std::os::fd::OwnedFd;

use rustix::net::sockopt::set_socket_send_buffer_size;

use super::{Fate, Server, Stage};
use crate::segment::socket::Credentials;
use crate::wire::event::{Answer, Attested, Event, Refusal};

/// What is asked of the kernel as room for answers that a tool has not read: it gives its least, which
/// is a few of them. So a tool that does not read keeps a few descriptors in flight, and no more.
const UNREAD_BYTES: usize = 1;

impl Server {
    /// Answers LIST.
    ///
    /// Who asks must be who opened the connection, by the kernel's word for both: else a privileged
    /// program that was started with somebody's connection as its output could be made to ask for him.
    /// Connections that were passed on to a process, as to children and sandboxes, list nothing.
    pub(super) fn list(&mut self, id: u64, serial: u32, from: Credentials, after: u64) -> Fate {
        let next = self.next_for(from.uid, after);
        let Some(connection) = self.connections.get_mut(&id) else { return Fate::Keep };
        if connection.user != Some(from.uid) {
            return self.answer(id, serial, Answer::Refused(Refusal::NotPrivileged));
        }
        // It asks once more and has not read what it was told.
        if !connection.queue.is_empty() {
            return Fate::Close;
        }
        if matches!(connection.stage, Stage::New) {
            if set_socket_send_buffer_size(&connection.socket, UNREAD_BYTES).is_err() {
                return Fate::Close;
            }
            connection.stage = Stage::Tool;
        }
        let Some((task, who, names)) = next else { return self.answer(id, serial, Answer::Done) };
        // No descriptor left: the tool may ask again.
        let Ok(names) = names else { return self.answer(id, serial, Answer::Refused(Refusal::NoBuffer)) };
        connection.tell(&Event::Reply { serial, answer: Answer::Listed { task, who } }, Some(names))
    }

    /// The first task after `after` that a user may look into: root into all, others into their own.
    fn next_for(&self, user: u32, after: u64) -> Option<(u64, Attested, std::io::Result<OwnedFd>)> {
        self.tasks.range((Bound::Excluded(after), Bound::Unbounded)).find_map(|(task, id)| {
            let Stage::Attached(attached) = &self.connections.get(id)?.stage else { return None };
            let may_look = user == 0 || attached.who.uid == user;
            may_look.then(|| (*task, attached.who, attached.names.try_clone()))
        })
    }
}
