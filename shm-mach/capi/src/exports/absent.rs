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

/// Calls that return a name: NULL.
macro_rules! nameless {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> u32 {
            0
        }
    )*};
}

absent! {
    bootstrap_create_server bootstrap_create_service bootstrap_status bootstrap_subset
    host_get_clock_service host_get_host_priv_port host_get_special_port host_request_notification
    host_set_special_port
    mach_make_memory_entry mach_make_memory_entry_64 mach_vm_map vm_map
    mach_port_kernel_object mach_port_kobject mach_port_kobject_description
    mach_port_get_service_port_info mach_port_is_connection_for_service
    mach_ports_lookup mach_ports_register
    mk_timer_arm mk_timer_arm_leeway mk_timer_cancel mk_timer_destroy
    semaphore_create semaphore_destroy semaphore_signal semaphore_signal_all semaphore_signal_thread
    semaphore_timedwait semaphore_timedwait_signal semaphore_wait semaphore_wait_signal
    task_create_identity_token task_identity_token_get_task_port
    thread_get_special_port thread_set_special_port
    mach_port_allocate_full mach_port_allocate_name mach_port_allocate_qos mach_port_assert_attributes
    mach_port_construct mach_port_destruct mach_port_dnrequest_info mach_port_extract_member
    mach_port_extract_right mach_port_get_attributes mach_port_get_context mach_port_get_set_status
    mach_port_get_srights mach_port_guard mach_port_guard_with_flags mach_port_insert_member
    mach_port_insert_right mach_port_move_member mach_port_peek mach_port_request_notification
    mach_port_set_attributes mach_port_set_context mach_port_set_mscount mach_port_set_seqno
    mach_port_space_basic_info mach_port_space_info mach_port_swap_guard mach_port_unguard
    mach_msg mach_msg_overwrite mach_msg_receive mach_msg_send mach_msg_server mach_msg_server_once
}

nameless! {
    mach_reply_port mig_get_reply_port mk_timer_create
}

/// There is no message to take apart, and no port to give up, as long as none can be had.
macro_rules! idle {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name() {}
    )*};
}

idle! {
    mach_msg_destroy mig_dealloc_reply_port mig_put_reply_port
}
