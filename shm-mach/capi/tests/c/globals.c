/* What a program reads from variables, before it has called anything. */
#include <string.h>
#include <unistd.h>
#include <mach/mach_vm.h>
#include "check.h"

int main(void)
{
    static const NDR_record_t expected = { 0, 0, 0, NDR_PROTOCOL_2_0, NDR_INT_LITTLE_ENDIAN, NDR_CHAR_ASCII,
        NDR_FLOAT_IEEE, 0 };
    HOLDS(memcmp(&NDR_record, &expected, sizeof expected) == 0);
    HOLDS(MACH_PORT_VALID(mach_task_self_) && MACH_PORT_VALID(bootstrap_port));
    HOLDS(bootstrap_port != mach_task_self_);

    vm_size_t page = (vm_size_t)sysconf(_SC_PAGESIZE);
    HOLDS(vm_page_size == page && vm_page_mask == page - 1 && (vm_size_t)1 << vm_page_shift == page);
    HOLDS(vm_kernel_page_size == page && vm_kernel_page_mask == page - 1);
    HOLDS((vm_size_t)1 << vm_kernel_page_shift == page);
    HOLDS(round_page(1) == page && trunc_page(page + 1) == page);
    HOLDS(mach_vm_round_page(page) == page && mach_vm_trunc_page(page - 1) == 0);
    vm_size_t told = 0;
    OK(host_page_size(mach_host_self(), &told));
    HOLDS(told == page);

    /* A program may write to them. */
    mach_port_t before = bootstrap_port;
    bootstrap_port = MACH_PORT_NULL;
    OK(task_get_bootstrap_port(SELF, &bootstrap_port));
    HOLDS(bootstrap_port == before);
    return 0;
}
