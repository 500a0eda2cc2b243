/* C2: the task that a call is about. */
#include "check.h"

int main(void)
{
    mach_port_t port = new_port(), dead = new_dead_name(), name = 42;
    /* NULL, DEAD, what is unknown, and what is no send right are nothing to call. */
    mach_port_t nothing[] = { MACH_PORT_NULL, MACH_PORT_DEAD, 0x20000003, port, dead };
    for (int at = 0; at < 5; at++) {
        EXPECT(MACH_SEND_INVALID_DEST, mach_port_allocate(nothing[at], MACH_PORT_RIGHT_RECEIVE, &name));
        EXPECT(MACH_SEND_INVALID_DEST, mach_port_destroy(nothing[at], port));
        EXPECT(MACH_SEND_INVALID_DEST, vm_deallocate(nothing[at], 0, 4096));
    }
    /* A right to something else is no task. */
    EXPECT(KERN_INVALID_TASK, mach_port_allocate(mach_host_self(), MACH_PORT_RIGHT_RECEIVE, &name));
    EXPECT(KERN_INVALID_TASK, mach_port_allocate(bootstrap_port, MACH_PORT_RIGHT_RECEIVE, &name));
    HOLDS(name == 42);
    HOLDS(type_of(port) == MACH_PORT_TYPE_RECEIVE);
    return 0;
}
