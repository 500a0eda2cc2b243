/* U1, U2, U3: a count that has reached its most stays there, and goes at once. */
#include "check.h"

int main(void)
{
    mach_port_t dead = new_dead_name();
    OK(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 65533));
    HOLDS(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME) == 65534);
    OK(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 65535));
    HOLDS(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME) == MACH_PORT_UREFS_MAX);
    OK(mach_port_deallocate(SELF, dead));
    OK(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, -65534));
    HOLDS(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME) == MACH_PORT_UREFS_MAX);
    OK(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, -65535));
    mach_port_type_t type;
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, dead, &type));
    return 0;
}
