/* TP3, TP4: rights that a task has from the start. */
#include "check.h"

int main(void)
{
    mach_port_t port = 42;
    OK(task_get_special_port(SELF, TASK_BOOTSTRAP_PORT, &port));
    HOLDS(port == bootstrap_port && refs_of(port, MACH_PORT_RIGHT_SEND) == 2);
    OK(task_get_bootstrap_port(SELF, &port));
    HOLDS(refs_of(port, MACH_PORT_RIGHT_SEND) == 3);
    OK(task_get_special_port(SELF, TASK_KERNEL_PORT, &port));
    HOLDS(port == SELF);
    OK(task_get_host_port(SELF, &port));
    HOLDS(port == mach_host_self());
    OK(task_get_special_port(SELF, TASK_ACCESS_PORT, &port));
    HOLDS(port == MACH_PORT_NULL);
    EXPECT(KERN_INVALID_ARGUMENT, task_get_special_port(SELF, 7, &port));
    EXPECT(KERN_INVALID_ARGUMENT, task_get_special_port(SELF, 0, &port));

    EXPECT(KERN_NO_ACCESS, task_set_special_port(SELF, TASK_KERNEL_PORT, SELF));
    EXPECT(KERN_NO_ACCESS, task_set_special_port(SELF, TASK_HOST_PORT, SELF));
    EXPECT(KERN_INVALID_ARGUMENT, task_set_special_port(SELF, TASK_READ_PORT, SELF));
    EXPECT(KERN_INVALID_ARGUMENT, task_set_special_port(SELF, 100, SELF));

    task_exc_guard_behavior_t behaviour = 42;
    OK(task_get_exc_guard_behavior(SELF, &behaviour));
    OK(task_set_exc_guard_behavior(SELF, TASK_EXC_GUARD_NONE));
    OK(task_get_exc_guard_behavior(SELF, &behaviour));
    HOLDS(behaviour == TASK_EXC_GUARD_NONE);
    return 0;
}
