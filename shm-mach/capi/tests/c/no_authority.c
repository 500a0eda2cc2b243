/* The environment names an authority that is not there: every call says so, and nothing is made up. */
#include <servers/bootstrap.h>
#include "check.h"

int main(void)
{
    mach_port_t name = 42;
    for (int time = 0; time < 3; time++) {
        EXPECT(KERN_INVALID_TASK, mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &name));
        EXPECT(KERN_INVALID_TASK, mach_port_deallocate(SELF, SELF));
        EXPECT(KERN_INVALID_TASK, bootstrap_look_up(bootstrap_port, "test", &name));
    }
    HOLDS(mach_thread_self() == MACH_PORT_NULL && mach_host_self() == MACH_PORT_NULL);
    return 0;
}
