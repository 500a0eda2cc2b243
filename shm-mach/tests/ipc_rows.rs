//! The rules for names, references and the state of an entry, one test a row of Mach's semantics.

#[path = "ipc_rows/calls.rs"]
mod calls;
#[path = "ipc_rows/ends.rs"]
mod ends;
#[path = "ipc_rows/entries.rs"]
mod entries;

use shm_mach::ipc::{
    Carried, Disposition, Effect, Effects, Guard, Line, NameTable, New, Notice, Origin, Place, PortError,
    PortId, PortName, RawName, ReceiveTraits, ReceiverId, Request, RequestKind, Right, Space, State,
    TypeBits,
};
use shm_mach::segment::Shared;

const ME: ReceiverId = ReceiverId(1);
const OTHER: ReceiverId = ReceiverId(2);
const SEND: u32 = 0;
const RECEIVE: u32 = 1;
const SEND_ONCE: u32 = 2;
const PORT_SET: u32 = 3;
const DEAD_NAME: u32 = 4;

/// A space, and what its calls left to be done.
struct Task {
    space: Space,
    effects: Effects,
}

fn port(number: u32) -> PortId {
    PortId { birth: 9, index: number, generation: 1, secret: 77 }
}

fn new_port(number: u32) -> New {
    New::Receive { port: port(number), place: Place::NOWHERE, handle: u64::from(number) }
}

fn dead_name_request(handle: u64) -> Option<Request> {
    Some(Request { handle, kind: RequestKind::DeadName })
}

fn notify(handle: u64, notice: Notice, name: PortName) -> Effect {
    Effect::Notify { handle, notice, name }
}

fn released(number: u32, receiver: ReceiverId) -> Effect {
    Effect::SendReleased { port: port(number), receiver }
}

fn destroyed(number: u32) -> Effect {
    Effect::ReceiveDestroyed { port: port(number), handle: u64::from(number) }
}

impl Task {
    fn new() -> Self {
        Self::with_lines(100)
    }

    fn with_lines(lines: usize) -> Self {
        let lines: Vec<Line> = (0..lines).map(|_| Line::default()).collect();
        let table = NameTable::new(Shared::heap_slice(lines.into_boxed_slice()));
        Self { space: Space::new(ME, table, 5), effects: Effects::new() }
    }

    fn receive(&mut self, number: u32) -> PortName {
        self.space.allocate(new_port(number)).unwrap()
    }

    fn send(&mut self, number: u32, receiver: ReceiverId) -> PortName {
        self.space.insert_send(port(number), receiver, &mut self.effects).unwrap()
    }

    /// A receive right with a send right beside it.
    fn both(&mut self, number: u32) -> PortName {
        let name = self.receive(number);
        assert_eq!(self.send(number, ME), name);
        name
    }

    fn once(&mut self, number: u32, receiver: ReceiverId, handle: u64) -> PortName {
        self.space.insert_send_once(port(number), receiver, handle).unwrap()
    }

    fn dead(&mut self) -> PortName {
        self.space.allocate(New::DeadName).unwrap()
    }

    fn set(&mut self) -> PortName {
        self.space.allocate(New::PortSet { handle: 40 }).unwrap()
    }

    fn mod_refs(&mut self, name: PortName, right: u32, delta: i32) -> Result<(), PortError> {
        self.space.mod_refs(name.into(), right, delta, &mut self.effects)
    }

    fn deallocate(&mut self, name: PortName) -> Result<(), PortError> {
        self.space.deallocate(name.into(), &mut self.effects)
    }

    fn destroy(&mut self, name: PortName) -> Result<(), PortError> {
        self.space.destroy(name.into(), &mut self.effects)
    }

    fn copyin(&mut self, name: PortName, disposition: Disposition) -> Result<Carried, PortError> {
        let check = self.space.check_copyin(name.into(), disposition);
        let result = self.space.copyin(name.into(), disposition, &mut self.effects);
        assert_eq!(check.err(), result.err());
        result
    }

    fn request(&mut self, name: PortName, handle: u64) {
        assert_eq!(self.ask(name, dead_name_request(handle)), Ok(None));
    }

    fn ask(&mut self, name: PortName, request: Option<Request>) -> Result<Option<u64>, PortError> {
        self.space.set_request(name.into(), request, &mut self.effects)
    }

    fn traits(&mut self, name: PortName, traits: ReceiveTraits) {
        self.space.set_receive_traits(name.into(), traits).unwrap();
    }

    fn refs(&self, name: PortName, right: u32) -> u16 {
        self.space.get_refs(name.into(), right).unwrap()
    }

    /// The type of a name, which the table tells as well.
    fn bits(&self, name: PortName) -> TypeBits {
        let row = self.space.reader().lookup(name).expect("a live name is in the table");
        assert_eq!(row.type_bits, self.space.entry(name.into()).unwrap().type_bits());
        self.space.type_bits(name.into()).unwrap()
    }

    fn is_free(&self, name: PortName) -> bool {
        assert_eq!(self.space.reader().lookup(name).is_none(), self.space.entry(name.into()).is_err());
        self.space.type_bits(name.into()) == Err(PortError::UnknownName)
    }

    fn done(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }
}
