/* Copies: read, written, and from place to place; what cannot be read or written is told, not a signal. */
#include <string.h>
#include <mach/mach_vm.h>
#include "check.h"

enum { LENGTH = 3 * 4096 + 17 };
static char from[LENGTH], to[LENGTH];

static void overlaps(void)
{
    static const int shifts[] = { 1, 100, 4096, 5000 };
    for (int at = 0; at < 4; at++) {
        for (int back = 0; back < 2; back++) {
            int shift = shifts[at], length = LENGTH - shift;
            for (int byte = 0; byte < LENGTH; byte++)
                from[byte] = to[byte] = (char)(byte * 31);
            int source = back ? shift : 0, target = back ? 0 : shift;
            memmove(to + target, to + source, (size_t)length);
            OK(vm_copy(SELF, (vm_address_t)(from + source), (vm_size_t)length, (vm_address_t)(from + target)));
            HOLDS(memcmp(from, to, LENGTH) == 0);
        }
    }
}

int main(void)
{
    vm_size_t page = vm_page_size, done = 0;
    for (int at = 0; at < LENGTH; at++)
        from[at] = (char)(at * 7);

    vm_offset_t data = 0;
    mach_msg_type_number_t count = 0;
    OK(vm_read(SELF, (vm_address_t)from, LENGTH, &data, &count));
    HOLDS(count == LENGTH && data != (vm_offset_t)from && memcmp((void *)data, from, LENGTH) == 0);
    OK(vm_write(SELF, (vm_address_t)to, data, count));
    HOLDS(memcmp(from, to, LENGTH) == 0);
    OK(vm_deallocate(SELF, data, count));
    memset(to, 0, LENGTH);
    OK(vm_read_overwrite(SELF, (vm_address_t)from, 100, (vm_address_t)to, &done));
    HOLDS(done == 100 && memcmp(from, to, 100) == 0 && to[100] == 0);
    OK(mach_vm_copy(SELF, (mach_vm_address_t)from, LENGTH, (mach_vm_address_t)to));
    HOLDS(memcmp(from, to, LENGTH) == 0);
    OK(vm_copy(SELF, (vm_address_t)from, LENGTH, (vm_address_t)from));
    HOLDS(memcmp(from, to, LENGTH) == 0);
    overlaps();

    OK(vm_read(SELF, 0x1234, 0, &data, &count));
    HOLDS(data == 0 && count == 0);
    OK(vm_copy(SELF, 0, 0, 0));

    /* A hole in the middle. */
    vm_address_t hole = 0;
    OK(vm_allocate(SELF, &hole, 3 * page, VM_FLAGS_ANYWHERE));
    OK(vm_deallocate(SELF, hole + page, page));
    EXPECT(KERN_INVALID_ADDRESS, vm_read(SELF, hole, 3 * page, &data, &count));
    EXPECT(KERN_INVALID_ADDRESS, vm_copy(SELF, hole, 2 * page, (vm_address_t)to));
    EXPECT(KERN_INVALID_ADDRESS, vm_write(SELF, hole + page, (vm_offset_t)from, 1));
    EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, 8, 8, (vm_address_t)to, &done));
    EXPECT(KERN_INVALID_ARGUMENT, vm_copy(SELF, ~(vm_address_t)0 - 8, 100, (vm_address_t)to));

    /* What may not be read, and what may not be written. */
    OK(vm_protect(SELF, hole, page, FALSE, VM_PROT_NONE));
    EXPECT(KERN_PROTECTION_FAILURE, vm_read(SELF, hole, 1, &data, &count));
    EXPECT(KERN_PROTECTION_FAILURE, vm_write(SELF, hole, (vm_offset_t)from, 1));
    return 0;
}
