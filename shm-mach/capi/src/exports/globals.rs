//! Variables that C reads. They are atomics because C may write to them too.
#![allow(non_upper_case_globals, reason = "C's names")]

use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicUsize, Ordering};

use rustix::param::page_size;

use crate::objects::{BOOTSTRAP, TASK};

/// Bytes of most systems' pages; where they are others, it is told before `main`.
const PAGE: usize = 4096;

#[unsafe(no_mangle)]
static mach_task_self_: AtomicU32 = AtomicU32::new(TASK);

#[unsafe(no_mangle)]
static bootstrap_port: AtomicU32 = AtomicU32::new(BOOTSTRAP);

/// The fifth byte says whether integers are little-endian.
#[unsafe(no_mangle)]
static NDR_record: [AtomicU8; 8] = [
    AtomicU8::new(0),
    AtomicU8::new(0),
    AtomicU8::new(0),
    AtomicU8::new(0),
    AtomicU8::new(cfg!(target_endian = "little") as u8),
    AtomicU8::new(0),
    AtomicU8::new(0),
    AtomicU8::new(0),
];

#[unsafe(no_mangle)]
static vm_page_size: AtomicUsize = AtomicUsize::new(PAGE);

#[unsafe(no_mangle)]
static vm_page_mask: AtomicUsize = AtomicUsize::new(PAGE - 1);

#[unsafe(no_mangle)]
static vm_page_shift: AtomicI32 = AtomicI32::new(PAGE.ilog2() as i32);

#[unsafe(no_mangle)]
static vm_kernel_page_size: AtomicUsize = AtomicUsize::new(PAGE);

#[unsafe(no_mangle)]
static vm_kernel_page_mask: AtomicUsize = AtomicUsize::new(PAGE - 1);

#[unsafe(no_mangle)]
static vm_kernel_page_shift: AtomicI32 = AtomicI32::new(PAGE.ilog2() as i32);

/// Run when the library is loaded: asks how large a page is, and nothing else.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = set_page_size;

extern "C" fn set_page_size() {
    let size = page_size();
    for (size_of_it, mask, shift) in [
        (&vm_page_size, &vm_page_mask, &vm_page_shift),
        (&vm_kernel_page_size, &vm_kernel_page_mask, &vm_kernel_page_shift),
    ] {
        size_of_it.store(size, Ordering::Relaxed);
        mask.store(size - 1, Ordering::Relaxed);
        shift.store(size.ilog2() as i32, Ordering::Relaxed);
    }
}
