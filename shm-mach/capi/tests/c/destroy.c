/* F6: giving up all that a name stands for. */
#include "check.h"

int main(void)
{
    OK(mach_port_destroy(SELF, MACH_PORT_NULL));
    OK(mach_port_destroy(SELF, MACH_PORT_DEAD));
    EXPECT(KERN_INVALID_NAME, mach_port_destroy(SELF, 0x20000003));

    mach_port_t port = new_port();
    OK(mach_port_destroy(SELF, port));
    EXPECT(KERN_INVALID_NAME, mach_port_destroy(SELF, port));

    mach_port_t dead = new_dead_name();
    OK(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 100));
    OK(mach_port_destroy(SELF, dead));
    mach_port_type_t type;
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, dead, &type));
    return 0;
}
