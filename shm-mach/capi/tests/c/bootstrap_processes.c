/* BS1, BS3: a service of one process, found by another; another's name is not to be had. */
#include <servers/bootstrap.h>
#include "processes.h"

int main(void)
{
    int to_child[2], to_parent[2];
    HOLDS(pipe(to_child) == 0 && pipe(to_parent) == 0);
    mach_port_t port = MACH_PORT_NULL, found = MACH_PORT_NULL;
    OK(bootstrap_check_in(bootstrap_port, "test.parent", &port));

    pid_t child = forked();
    if (child == 0) {
        OK(bootstrap_look_up(bootstrap_port, "test.parent", &found));
        HOLDS(type_of(found) == MACH_PORT_TYPE_SEND && refs_of(found, MACH_PORT_RIGHT_SEND) == 1);
        mach_port_t again = MACH_PORT_NULL;
        OK(bootstrap_look_up(bootstrap_port, "test.parent", &again));
        HOLDS(again == found && refs_of(found, MACH_PORT_RIGHT_SEND) == 2);
        EXPECT(BOOTSTRAP_NOT_PRIVILEGED, bootstrap_check_in(bootstrap_port, "test.parent", &again));
        EXPECT(KERN_NOT_SUPPORTED, bootstrap_register(bootstrap_port, "test.other", found));
        OK(bootstrap_check_in(bootstrap_port, "test.child", &again));
        tell(to_parent[1]);
        hear(to_child[0]);
        return 0;
    }
    hear(to_parent[0]);
    OK(bootstrap_look_up(bootstrap_port, "test.child", &found));
    HOLDS(type_of(found) == MACH_PORT_TYPE_SEND);
    OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
    EXPECT(BOOTSTRAP_UNKNOWN_SERVICE, bootstrap_look_up(bootstrap_port, "test.parent", &port));
    tell(to_child[1]);
    finished(child);
    /* What the child had is dead, as the authority tells. */
    alarm(60);
    while (type_of(found) != MACH_PORT_TYPE_DEAD_NAME)
        usleep(1000);
    HOLDS(refs_of(found, MACH_PORT_RIGHT_DEAD_NAME) == 1);
    EXPECT(BOOTSTRAP_UNKNOWN_SERVICE, bootstrap_look_up(bootstrap_port, "test.child", &port));
    return 0;
}
