/* N9: a forked child is a new task: none of its parent's names, and its own from the start. */
#include "processes.h"

static void of_a_task(unsigned depth)
{
    mach_port_t port = new_port(), dead = new_dead_name();
    mach_port_t thread = mach_thread_self();
    HOLDS(refs_of(thread, MACH_PORT_RIGHT_SEND) == 1);
    OK(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 10));
    if (depth == 3)
        return;
    pid_t child = forked();
    if (child == 0) {
        mach_port_name_array_t names;
        mach_port_type_array_t types;
        mach_msg_type_number_t count;
        OK(mach_port_names(SELF, &names, &count, &types, &count));
        for (unsigned at = 0; at < count; at++)
            HOLDS(types[at] == MACH_PORT_TYPE_SEND);
        HOLDS(type_of(SELF) == MACH_PORT_TYPE_SEND && type_of(bootstrap_port) == MACH_PORT_TYPE_SEND);
        mach_port_type_t type;
        EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, port, &type));
        EXPECT(KERN_INVALID_NAME, mach_port_deallocate(SELF, dead));
        of_a_task(depth + 1);
        exit(0);
    }
    finished(child);
    /* The parent has noticed nothing. */
    HOLDS(type_of(port) == MACH_PORT_TYPE_RECEIVE);
    HOLDS(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME) == 11);
}

int main(void)
{
    of_a_task(0);
    return 0;
}
