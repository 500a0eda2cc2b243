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
    bootstrap
    bootstrap_processes
    deallocate
    destroy
    error_words
    exec
    first_use_threads
    fork_amid_threads
    fork_before_first_use
    fork_new_task
    get_refs
    globals
    guest
    layouts
    mig_support
    mod_refs
    names_and_types
    orphan
    own_rights
    special_ports
    task_argument
    time
    urefs_stick
    vm_allocate
    vm_copy
    vm_protect
}
