//! C programs, each compiled with every warning an error and run as a process of its own. What a program
//! checks stands at its head.

mod support;

macro_rules! programs {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                support::program(stringify!($name));
            }
        )*

        /// Programs that a test of another file runs.
        const ELSEWHERE: [&str; 2] = ["finds_service", "no_authority"];

        #[test]
        fn every_program_is_run() {
            let all = std::fs::read_dir(support::root().join("tests/c")).unwrap();
            let mut found: Vec<String> = all
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
                .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
                .filter(|name| !ELSEWHERE.contains(&name.as_str()))
                .collect();
            found.sort();
            assert_eq!(found, [$(stringify!($name)),*]);
        }
    };
}

programs! {
    absent
    allocate
    allocate_name
    attributes
    bootstrap
    bootstrap_processes
    construct
    deallocate
    destroy
    error_words
    exec
    extract_right
    first_use_threads
    fork_amid_threads
    fork_before_first_use
    fork_new_task
    get_refs
    globals
    guards
    guest
    insert_right
    layouts
    message2
    message_destroy
    message_forms
    message_header
    message_interrupted
    message_memory
    message_queue
    message_refused
    message_rights
    message_rpc
    message_sets
    message_threads
    message_too_large
    mig_rpc
    mig_support
    mod_refs
    names_and_types
    notifications
    orphan
    own_rights
    port_sets
    reply_ports
    semaphores
    server_once
    space_info
    special_ports
    task_argument
    time
    timers
    urefs_stick
    vm_allocate
    vm_copy
    vm_protect
}
