//! What the headers declare and the library does not do: it says so.
//!
//! These functions take no arguments, whatever C passes: by the conventions of the machines that the
//! library runs on, the caller puts arguments where the callee does not have to look.

use crate::code::Code;

/// Calls that return a code, and write nothing.
macro_rules! absent {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> Code {
            Code::NOT_SUPPORTED
        }
    )*};
}

absent! {
    bootstrap_create_server bootstrap_create_service bootstrap_status bootstrap_subset
    host_get_clock_service host_get_host_priv_port host_get_special_port host_request_notification
    host_set_special_port
    mach_make_memory_entry mach_make_memory_entry_64 mach_vm_map vm_map
    mach_port_get_service_port_info mach_port_is_connection_for_service
    mach_ports_lookup mach_ports_register
    task_create_identity_token task_identity_token_get_task_port
    thread_get_special_port thread_set_special_port
    mach_port_peek
}
