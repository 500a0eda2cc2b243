/* Making memory, and giving it back. */
#include <string.h>
#include <mach/mach_vm.h>
#include "check.h"

static int is_mapped(vm_address_t address)
{
    unsigned char byte;
    vm_size_t done = 0;
    return vm_read_overwrite(SELF, address, 1, (vm_address_t)&byte, &done) == KERN_SUCCESS;
}

int main(void)
{
    vm_size_t page = vm_page_size;
    vm_address_t address = 1;
    OK(vm_allocate(SELF, &address, 3 * page - 5, VM_FLAGS_ANYWHERE));
    HOLDS(address != 1 && address % page == 0);
    for (vm_size_t at = 0; at < 3 * page; at++)
        HOLDS(((char *)address)[at] == 0);
    memset((void *)address, 7, 3 * page);

    /* At an address that is taken: refused, or what was there goes. */
    vm_address_t same = address + page + 5;
    EXPECT(KERN_NO_SPACE, vm_allocate(SELF, &same, page, VM_FLAGS_FIXED));
    HOLDS(same == address + page + 5 && *(char *)same == 7);
    OK(vm_allocate(SELF, &same, page, VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE));
    HOLDS(same == address + page && *(char *)same == 0 && *(char *)address == 7);

    /* At one that is free: a part of it suffices. */
    OK(vm_deallocate(SELF, address + page, 1));
    HOLDS(is_mapped(address) && !is_mapped(address + page) && is_mapped(address + 2 * page));
    OK(vm_allocate(SELF, &same, page, VM_FLAGS_FIXED | VM_MAKE_TAG(VM_MEMORY_APPLICATION_SPECIFIC_1)));
    HOLDS(same == address + page && *(char *)same == 0);
    OK(vm_deallocate(SELF, address, 3 * page));
    HOLDS(!is_mapped(address) && !is_mapped(address + 2 * page));
    OK(vm_deallocate(SELF, address, 3 * page));

    /* No bytes are nowhere. */
    address = 0x1234;
    OK(vm_allocate(SELF, &address, 0, VM_FLAGS_ANYWHERE));
    HOLDS(address == 0);
    OK(vm_deallocate(SELF, 0x1234, 0));

    /* Too much, and what is no address. */
    address = 42;
    EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(SELF, &address, ~(vm_size_t)0, VM_FLAGS_ANYWHERE));
    EXPECT(KERN_NO_SPACE, vm_allocate(SELF, &address, (vm_size_t)1 << 62, VM_FLAGS_ANYWHERE));
    EXPECT(KERN_INVALID_ARGUMENT, vm_allocate(SELF, &address, page, 0x800000));
    HOLDS(address == 42);
    EXPECT(KERN_INVALID_ARGUMENT, vm_deallocate(SELF, ~(vm_address_t)0, page));

    mach_vm_address_t wide = 0;
    OK(mach_vm_allocate(SELF, &wide, page, VM_FLAGS_ANYWHERE));
    *(char *)wide = 1;
    OK(mach_vm_deallocate(SELF, wide, page));
    HOLDS(!is_mapped((vm_address_t)wide));
    return 0;
}
