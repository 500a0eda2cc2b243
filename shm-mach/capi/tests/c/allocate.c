/* F3: what can be made. */
#include "check.h"

int main(void)
{
    mach_port_t name = 42;
    EXPECT(KERN_INVALID_VALUE, mach_port_allocate(SELF, MACH_PORT_RIGHT_SEND, &name));
    EXPECT(KERN_INVALID_VALUE, mach_port_allocate(SELF, MACH_PORT_RIGHT_SEND_ONCE, &name));
    EXPECT(KERN_INVALID_VALUE, mach_port_allocate(SELF, MACH_PORT_RIGHT_LABELH, &name));
    EXPECT(KERN_INVALID_VALUE, mach_port_allocate(SELF, MACH_PORT_RIGHT_NUMBER, &name));
    EXPECT(KERN_INVALID_VALUE, mach_port_allocate(SELF, (mach_port_right_t)-1, &name));
    HOLDS(name == 42);

    mach_port_t port = new_port();
    HOLDS(refs_of(port, MACH_PORT_RIGHT_RECEIVE) == 1);
    mach_port_t dead = new_dead_name();
    HOLDS(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME) == 1);

    mach_port_t set = new_right(MACH_PORT_RIGHT_PORT_SET);
    HOLDS(type_of(set) == MACH_PORT_TYPE_PORT_SET && refs_of(set, MACH_PORT_RIGHT_PORT_SET) == 1);
    OK(mach_port_deallocate(SELF, set));
    OK(task_set_port_space(SELF, 1000));

    /* Many at once, all different. */
    enum { MANY = 2000 };
    static mach_port_t all[MANY];
    for (int at = 0; at < MANY; at++) {
        all[at] = new_port();
        HOLDS(at == 0 || all[at] != all[at - 1]);
    }
    for (int at = 0; at < MANY; at++)
        OK(mach_port_mod_refs(SELF, all[at], MACH_PORT_RIGHT_RECEIVE, -1));
    return 0;
}
