//! The end of a port, and of the space itself.

use super::effect::{Effect, Effects, Notice};
use super::entry::State;
use super::holdings::Key;
use super::port::{Place, PortId, ReceiverId};
use super::space::Space;
use super::urefs::Urefs;

impl Space {
    /// A port of another task died (S7, D6, D7): every right to it becomes a dead name with the
    /// references it had, and one more if a request was registered on it, which fires. Who hears of
    /// the name by that owns the extra one.
    ///
    /// Nothing happens if the receive right is here: such a port dies by that right alone.
    pub fn port_died(&mut self, port: PortId, receiver: ReceiverId, effects: &mut Effects) {
        let key = (port, receiver);
        let name = self.holdings.get(key).name;
        if name == 0 || !self.has_receive(name) {
            self.bury_port(key, effects);
        }
    }

    /// The task ends: everything is given up, receive rights first, so that rights to the task's own
    /// ports are dead before they could send a last notification there. Every later call is refused.
    pub fn teardown(&mut self, effects: &mut Effects) {
        let (receives, others): (Vec<u32>, Vec<u32>) =
            self.slots.live().partition(|index| self.has_receive(*index));
        for index in receives.into_iter().chain(others) {
            self.give_up(index, effects);
        }
        self.gone = true;
    }

    /// What is held of a port, which is dead, becomes dead names.
    pub(super) fn bury_port(&mut self, key: Key, effects: &mut Effects) {
        let held = self.holdings.get(key);
        if held.name != 0 {
            self.bury(held.name, false, effects);
        }
        let mut index = held.once;
        while index != 0 {
            let next = self.slots.entry(index).once.next;
            self.bury(index, false, effects);
            index = next;
        }
    }

    /// A right becomes a dead name.
    pub(super) fn bury(&mut self, index: u32, was_receive: bool, effects: &mut Effects) {
        self.let_go(index);
        let name = self.slots.name(index);
        let entry = self.slots.entry_mut(index);
        let request = entry.request.take();
        let urefs = match entry.state {
            State::Port { send: Some(urefs), .. } => urefs,
            State::SendOnce { handle, .. } => {
                effects.push(Effect::SendOnceDied { handle });
                Urefs::ONE
            }
            _ => Urefs::ONE,
        };
        let urefs = if request.is_some() { urefs.one_more() } else { urefs };
        entry.state = State::Dead { urefs, was_receive };
        entry.place = Place::NOWHERE;
        self.publish(index);
        effects.extend(request.map(|request| request.fire(Notice::DeadName, name)));
    }
}
