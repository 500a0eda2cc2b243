//! `mach_error.h`, and the words of `servers/bootstrap.h`.

use std::ffi::{CStr, c_char};
use std::io::Write;

use crate::abi::Text;
use crate::words;

/// More of a message than anybody writes.
const TEXT_MAX: usize = 4096;

fn words_of(code: i32) -> &'static CStr {
    words::meaning(code).unwrap_or(c"an unknown code")
}

#[unsafe(no_mangle)]
extern "C" fn mach_error_string(code: i32) -> *const c_char {
    words_of(code).as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn mach_error_type(code: i32) -> *const c_char {
    words::system(code).as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn mach_error(text: Text, code: i32) {
    let mut line = text.bytes(TEXT_MAX);
    line.extend_from_slice(b" ");
    line.extend_from_slice(words_of(code).to_bytes());
    line.extend_from_slice(format!(" ({code:#x})\n").as_bytes());
    // Nobody to tell if that fails.
    let _ = std::io::stderr().write_all(&line);
}

#[unsafe(no_mangle)]
extern "C" fn bootstrap_strerror(code: i32) -> *const c_char {
    words::bootstrap(code).unwrap_or_else(|| words_of(code)).as_ptr()
}
