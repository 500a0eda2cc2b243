//! Codes in words.

use std::ffi::CStr;

/// What a code of the system's means; `None` of one that is not known.
pub(crate) fn meaning(code: i32) -> Option<&'static CStr> {
    let all = KERN.iter().chain(&SEND).chain(&RECEIVE).chain(&MIG).chain(&BOOTSTRAP);
    all.into_iter().find(|(known, _)| *known == plain(code)).map(|(_, words)| *words)
}

/// Without the bits that say what of a message was lost on the way.
fn plain(code: i32) -> i32 {
    const SPECIAL: i32 = 0x3e00;
    if code >> 16 == 0x1000 && code & SPECIAL != 0 { code & !SPECIAL } else { code }
}

/// What a code of the bootstrap's means.
pub(crate) fn bootstrap(code: i32) -> Option<&'static CStr> {
    BOOTSTRAP.iter().find(|(known, _)| *known == code).map(|(_, words)| *words)
}

/// Which part of the system a code is of.
pub(crate) fn system(code: i32) -> &'static CStr {
    match (code as u32 >> 26, code as u32 >> 14 & 0xfff) {
        (0x3f, _) | (0, 0) if MIG.iter().any(|(known, _)| *known == code) => c"mig",
        (0, 0) if (1100..1200).contains(&code) => c"bootstrap",
        (0, 0) => c"kern",
        (4, 0) => c"mach send",
        (4, 1) => c"mach receive",
        _ => c"unknown",
    }
}

type Words = (i32, &'static CStr);

const KERN: [Words; 57] = [
    (0, c"no error"),
    (1, c"invalid address"),
    (2, c"the memory is protected against this"),
    (3, c"no room: no free name, or no free address"),
    (4, c"invalid argument"),
    (5, c"failure"),
    (6, c"resources are short"),
    (7, c"not the receiver"),
    (8, c"no access"),
    (9, c"the memory object failed"),
    (10, c"the memory object said that there is an error"),
    (11, c"already in the set"),
    (12, c"not in the set"),
    (13, c"the name is in use"),
    (14, c"aborted"),
    (15, c"no right has this name"),
    (16, c"not a task, or a dead one"),
    (17, c"the name does not stand for the right that this needs"),
    (18, c"invalid value"),
    (19, c"too many user references"),
    (20, c"the right cannot be used for this"),
    (21, c"the right is held under another name"),
    (22, c"not a host"),
    (23, c"the memory is there already"),
    (24, c"the memory was moved"),
    (25, c"the copy must begin again"),
    (26, c"not a set of processors"),
    (27, c"beyond the limit of the policy"),
    (28, c"invalid policy"),
    (29, c"invalid object"),
    (30, c"somebody waits already"),
    (31, c"the default set cannot go"),
    (32, c"the exception port is protected"),
    (33, c"invalid ledger"),
    (34, c"invalid memory control"),
    (35, c"invalid security token"),
    (36, c"not depressed"),
    (37, c"the object is gone"),
    (38, c"the lock set is gone"),
    (39, c"the lock is unstable"),
    (40, c"the lock is another's"),
    (41, c"the lock is held already"),
    (42, c"the semaphore is gone"),
    (43, c"the server is gone"),
    (44, c"the orphan ends"),
    (45, c"the orphan goes on"),
    (46, c"not supported"),
    (47, c"the node is down"),
    (48, c"nobody waits"),
    (49, c"the time is up"),
    (50, c"code signing failed"),
    (51, c"the policy cannot change"),
    (52, c"the buffer is too small"),
    (53, c"denied"),
    (54, c"the collection is missing"),
    (55, c"the collection is invalid"),
    (56, c"not found"),
];

const SEND: [Words; 22] = [
    (0x1000_0002, c"send: the message cannot be read"),
    (0x1000_0003, c"send: the destination is no right to send"),
    (0x1000_0004, c"send: the queue stayed full"),
    (0x1000_0005, c"send: no voucher"),
    (0x1000_0007, c"send: interrupted"),
    (0x1000_0008, c"send: the message is too small for what it says"),
    (0x1000_0009, c"send: the reply right cannot be used"),
    (0x1000_000a, c"send: a right in the body cannot be used"),
    (0x1000_000b, c"send: invalid notify port"),
    (0x1000_000c, c"send: memory out of line cannot be read"),
    (0x1000_000d, c"send: no buffer"),
    (0x1000_000e, c"send: the message is too large"),
    (0x1000_000f, c"send: a descriptor of no known type"),
    (0x1000_0010, c"send: the header is invalid"),
    (0x1000_0011, c"send: the trailer is invalid"),
    (0x1000_0012, c"send: the context of the reply is another"),
    (0x1000_0013, c"send: the options do not fit together"),
    (0x1000_0015, c"send: memory out of line of a wrong size"),
    (0x1000_0016, c"send: the destination takes no grants"),
    (0x1000_0017, c"send: the message was filtered"),
    (0x1000_0018, c"send: the auxiliary data is too small"),
    (0x1000_0019, c"send: the auxiliary data is too large"),
];

const RECEIVE: [Words; 17] = [
    (0x1000_4001, c"receive: under way"),
    (0x1000_4002, c"receive: the name is no receive right and no set"),
    (0x1000_4003, c"receive: no message came in time"),
    (0x1000_4004, c"receive: the message does not fit"),
    (0x1000_4005, c"receive: interrupted"),
    (0x1000_4006, c"receive: the right died or moved away"),
    (0x1000_4007, c"receive: invalid notify port"),
    (0x1000_4008, c"receive: the buffer cannot be written"),
    (0x1000_4009, c"receive: the port died"),
    (0x1000_400a, c"receive: the port is in a set"),
    (0x1000_400b, c"receive: the header could not be handed over"),
    (0x1000_400c, c"receive: part of the body could not be handed over"),
    (0x1000_400d, c"receive: a descriptor of no known type"),
    (0x1000_400e, c"receive: a list to scatter to is too small"),
    (0x1000_400f, c"receive: the trailer is invalid"),
    (0x1000_4012, c"receive: invalid reply port"),
    (0x1000_4013, c"receive: invalid arguments"),
];

const MIG: [Words; 10] = [
    (-300, c"interface: an argument of a wrong type"),
    (-301, c"interface: the reply is to another request"),
    (-302, c"interface: the server found an error"),
    (-303, c"interface: no routine has this id"),
    (-304, c"interface: the arguments of the server are wrong"),
    (-305, c"interface: no reply"),
    (-306, c"interface: an exception"),
    (-307, c"interface: the array does not fit"),
    (-308, c"interface: the server died"),
    (-309, c"interface: the trailer is wrong"),
];

const BOOTSTRAP: [Words; 7] = [
    (1100, c"the service is another's"),
    (1101, c"the name is in use"),
    (1102, c"no service has this name"),
    (1103, c"the service is active"),
    (1104, c"too many names"),
    (1105, c"no memory"),
    (1106, c"no children"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_library_has_words() {
        for code in [0, 3, 56, 0x1000_0002, 0x1000_400c, 0x1000_400c | 0x3000, -303, 1102] {
            assert!(meaning(code).is_some(), "{code:#x}");
        }
        assert_eq!((meaning(57), meaning(0x1000_0001)), (None, None));
    }

    #[test]
    fn a_code_tells_its_system() {
        let all = [0, 17, 0x1000_0003, 0x1000_4003, -300, 1103, 0x1fff_ffff].map(system);
        assert_eq!(all, [c"kern", c"kern", c"mach send", c"mach receive", c"mig", c"bootstrap", c"unknown"]);
    }
}
