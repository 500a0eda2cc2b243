/* What may be done with memory, and what a child gets of it. */
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

static kern_return_t put(vm_address_t address, char value)
{
    return vm_write(SELF, address, (vm_offset_t)&value, 1);
}

int main(void)
{
    vm_size_t page = vm_page_size;
    vm_address_t address = 0;
    OK(vm_allocate(SELF, &address, 2 * page, VM_FLAGS_ANYWHERE));
    OK(put(address, 5));
    OK(vm_protect(SELF, address + 1, 1, FALSE, VM_PROT_READ));
    EXPECT(KERN_PROTECTION_FAILURE, put(address, 6));
    OK(put(address + page, 6));
    HOLDS(*(char *)address == 5);
    OK(vm_protect(SELF, address, page, FALSE, VM_PROT_NONE));
    char byte = 0;
    vm_size_t done = 0;
    EXPECT(KERN_PROTECTION_FAILURE, vm_read_overwrite(SELF, address, 1, (vm_address_t)&byte, &done));
    OK(vm_protect(SELF, address, page, FALSE, VM_PROT_READ | VM_PROT_WRITE | VM_PROT_COPY));
    OK(put(address, 7));

    EXPECT(KERN_INVALID_ARGUMENT, vm_protect(SELF, address, page, FALSE, 0x100));
    OK(vm_protect(SELF, address, 0, FALSE, VM_PROT_NONE));
    EXPECT(KERN_NOT_SUPPORTED, vm_protect(SELF, address, page, TRUE, VM_PROT_READ));
    EXPECT(KERN_INVALID_ARGUMENT, vm_inherit(SELF, address, page, 9));
    EXPECT(KERN_NOT_SUPPORTED, vm_inherit(SELF, address, page, VM_INHERIT_SHARE));

    OK(vm_inherit(SELF, address, page, VM_INHERIT_NONE));
    pid_t child = fork();
    HOLDS(child >= 0);
    if (child == 0) {
        HOLDS(*(char *)(address + page) == 6);
        EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, address, 1, (vm_address_t)&byte, &done));
        return 0;
    }
    int status = -1;
    HOLDS(waitpid(child, &status, 0) == child && status == 0);

    OK(vm_deallocate(SELF, address, 2 * page));
    EXPECT(KERN_INVALID_ADDRESS, vm_protect(SELF, address, page, FALSE, VM_PROT_READ));
    EXPECT(KERN_INVALID_ADDRESS, vm_inherit(SELF, address, page, VM_INHERIT_COPY));
    return 0;
}
