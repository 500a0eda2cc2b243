/* Forked before anything was called: both make a task of their own. */
#include "processes.h"

int main(void)
{
    int to_child[2];
    HOLDS(pipe(to_child) == 0);
    pid_t child = forked();
    if (child == 0) {
        hear(to_child[0]);
        new_port();
        return 0;
    }
    mach_port_t port = new_port();
    tell(to_child[1]);
    finished(child);
    HOLDS(type_of(port) == MACH_PORT_TYPE_RECEIVE);
    return 0;
}
