//! `servers/bootstrap.h`.

use crate::abi::{Out, Text};
use crate::code::{Code, returned};
use crate::objects::BOOTSTRAP;
use crate::services::NAME_MAX;
use crate::session::Session;

/// Calls `act` with a service's name, at the bootstrap.
///
/// A name is not empty, and is UTF-8.
fn at_bootstrap(port: u32, service: &Text, act: impl FnOnce(&Session, &str) -> Result<(), Code>) -> Code {
    returned(Session::current().and_then(|session| {
        session.check_bootstrap(port)?;
        let service = String::from_utf8(service.bytes(NAME_MAX)).map_err(|_| Code::INVALID_ARGUMENT)?;
        if service.is_empty() { Err(Code::INVALID_ARGUMENT) } else { act(session, &service) }
    }))
}

#[unsafe(no_mangle)]
extern "C" fn bootstrap_register(at: u32, service: Text, port: u32) -> Code {
    at_bootstrap(at, &service, |session, service| session.register(service, port))
}

#[unsafe(no_mangle)]
extern "C" fn bootstrap_check_in(at: u32, service: Text, port: Out<u32>) -> Code {
    port.put(0);
    at_bootstrap(at, &service, |session, service| port.set(session.check_in(service)?))
}

#[unsafe(no_mangle)]
extern "C" fn bootstrap_look_up(at: u32, service: Text, port: Out<u32>) -> Code {
    port.put(0);
    at_bootstrap(at, &service, |session, service| port.set(session.look_up(service)?))
}

/// There is one bootstrap: its parent is itself (BS7).
#[unsafe(no_mangle)]
extern "C" fn bootstrap_parent(at: u32, parent: Out<u32>) -> Code {
    same(at, &parent)
}

#[unsafe(no_mangle)]
extern "C" fn bootstrap_unprivileged(at: u32, port: Out<u32>) -> Code {
    same(at, &port)
}

fn same(at: u32, port: &Out<u32>) -> Code {
    returned(Session::current().and_then(|session| {
        session.check_bootstrap(at)?;
        port.set(session.objects.add(BOOTSTRAP))
    }))
}
