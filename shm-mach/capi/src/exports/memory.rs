//! `vm_map.h` and `mach_vm.h`: the same calls twice, since an address is as wide as any.

use super::on_task;
use crate::abi::Out;
use crate::code::Code;
use crate::memory::{self, Address};

/// Each call under both of its names.
macro_rules! both {
    ($($vm:ident $mach_vm:ident ($($argument:ident: $type:ty),*) $body:expr;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $vm(task: u32, $($argument: $type),*) -> Code {
            on_task(task, |_| $body)
        }

        #[unsafe(no_mangle)]
        extern "C" fn $mach_vm(task: u32, $($argument: $type),*) -> Code {
            on_task(task, |_| $body)
        }
    )*};
}

both! {
    vm_allocate mach_vm_allocate (address: Out<Address>, size: u64, flags: i32)
        address.set(memory::allocate(address.get(), size, flags)?);
    vm_deallocate mach_vm_deallocate (address: Address, size: u64)
        memory::deallocate(address, size);
    vm_protect mach_vm_protect (address: Address, size: u64, set_maximum: u32, protection: i32)
        memory::protect(address, size, set_maximum != 0, protection);
    vm_inherit mach_vm_inherit (address: Address, size: u64, inheritance: u32)
        memory::inherit(address, size, inheritance);
    vm_read mach_vm_read (address: Address, size: u64, data: Out<Address>, count: Out<u32>)
        memory::read(address, size).map(|(made, length)| {
            data.put(made);
            count.put(length);
        });
    vm_read_overwrite mach_vm_read_overwrite (address: Address, size: u64, to: Address, done: Out<u64>)
        memory::copy(address, size, to).map(|()| done.put(size));
    vm_write mach_vm_write (address: Address, data: Address, count: u32)
        memory::copy(data, count.into(), address);
    vm_copy mach_vm_copy (from: Address, size: u64, to: Address)
        memory::copy(from, size, to);
}
