/* ML: what generated code calls. */
#include <string.h>
#include "check.h"

int main(void)
{
    char room[8];
    memset(room, 'x', sizeof room);
    EXPECT(4, mig_strncpy(room, "abc", sizeof room));
    HOLDS(memcmp(room, "abc\0xxxx", 8) == 0);
    EXPECT(8, mig_strncpy(room, "abcdefghij", sizeof room));
    HOLDS(memcmp(room, "abcdefg\0", 8) == 0);
    memset(room, 'x', sizeof room);
    EXPECT(0, mig_strncpy(room, "abc", 0));
    HOLDS(room[0] == 'x');
    EXPECT(3, mig_strncpy_zerofill(room, "ab", sizeof room));
    HOLDS(memcmp(room, "ab\0\0\0\0\0\0", 8) == 0);

    vm_address_t memory = 0;
    mig_allocate(&memory, 100);
    HOLDS(memory != 0 && memory % vm_page_size == 0);
    memset((void *)memory, 1, 100);
    mig_deallocate(memory, 100);
    unsigned char byte;
    vm_size_t done = 0;
    EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, memory, 1, (vm_address_t)&byte, &done));

    HOLDS(sizeof(mig_reply_error_t) == 36);
    return 0;
}
