/* What is declared and not there says so. */
#include <mach/mach_vm.h>
#include <servers/bootstrap.h>
#include "check.h"

int main(void)
{
    mach_port_t name = 42;
    mach_vm_address_t address = 42;
    mach_vm_size_t size = 42;
    EXPECT(KERN_NOT_SUPPORTED, bootstrap_subset(bootstrap_port, MACH_PORT_NULL, &name));
    EXPECT(KERN_NOT_SUPPORTED,
        mach_vm_map(SELF, &address, size, 0, 1, 0, 0, 0, VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY));
    EXPECT(KERN_NOT_SUPPORTED, mach_make_memory_entry_64(SELF, &size, 0, VM_PROT_READ, &name, MACH_PORT_NULL));
    EXPECT(KERN_NOT_SUPPORTED, task_create_identity_token(SELF, &name));
    EXPECT(KERN_NOT_SUPPORTED, host_get_clock_service(mach_host_self(), SYSTEM_CLOCK, &name));
    HOLDS(name == 42 && address == 42 && size == 42);
    return 0;
}
