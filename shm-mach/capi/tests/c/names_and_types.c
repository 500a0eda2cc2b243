/* F1, F2, N1, N2, N3, C5: names, and what they stand for. */
#include "check.h"

int main(void)
{
    mach_port_type_t type;
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, MACH_PORT_NULL, &type));
    OK(mach_port_type(SELF, MACH_PORT_DEAD, &type));
    HOLDS(type == MACH_PORT_TYPE_DEAD_NAME);
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, 0x20000003, &type));

    mach_port_t port = new_port(), dead = new_dead_name();
    HOLDS(port != dead);
    HOLDS((port & 3) == 3 && (dead & 3) == 3);
    HOLDS(MACH_PORT_INDEX(port) != 0 && MACH_PORT_GEN(port) != 0);
    HOLDS(MACH_PORT_MAKE(MACH_PORT_INDEX(port), MACH_PORT_GEN(port)) == port);
    HOLDS(type_of(port) == MACH_PORT_TYPE_RECEIVE);
    HOLDS(type_of(dead) == MACH_PORT_TYPE_DEAD_NAME);

    mach_port_name_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t name_count, type_count;
    OK(mach_port_names(SELF, &names, &name_count, &types, &type_count));
    HOLDS(name_count == type_count);
    int seen_port = 0, seen_dead = 0, seen_self = 0;
    for (mach_msg_type_number_t at = 0; at < name_count; at++) {
        mach_port_type_t known = 0;
        OK(mach_port_type(SELF, names[at], &known));
        HOLDS(known == types[at]);
        seen_port += names[at] == port;
        seen_dead += names[at] == dead;
        seen_self += names[at] == SELF;
    }
    HOLDS(seen_port == 1 && seen_dead == 1 && seen_self == 1);
    OK(vm_deallocate(SELF, (vm_address_t)names, name_count * sizeof *names));
    OK(vm_deallocate(SELF, (vm_address_t)types, type_count * sizeof *types));

    /* A name that was given back is another one the next time. */
    OK(mach_port_deallocate(SELF, dead));
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, dead, &type));
    HOLDS(new_dead_name() != dead);
    return 0;
}
