/* F7: giving up one reference. */
#include "check.h"

int main(void)
{
    OK(mach_port_deallocate(SELF, MACH_PORT_NULL));
    OK(mach_port_deallocate(SELF, MACH_PORT_DEAD));
    EXPECT(KERN_INVALID_NAME, mach_port_deallocate(SELF, 0x20000003));

    mach_port_t port = new_port();
    EXPECT(KERN_INVALID_RIGHT, mach_port_deallocate(SELF, port));
    HOLDS(type_of(port) == MACH_PORT_TYPE_RECEIVE);

    mach_port_t dead = new_dead_name();
    OK(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 2));
    for (unsigned left = 3; left > 1; left--) {
        HOLDS(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME) == left);
        OK(mach_port_deallocate(SELF, dead));
    }
    OK(mach_port_deallocate(SELF, dead));
    EXPECT(KERN_INVALID_NAME, mach_port_deallocate(SELF, dead));
    return 0;
}
