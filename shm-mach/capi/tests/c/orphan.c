/* The process with the authority in it ends. A child that had not called anything gets an authority of its
 * own; one that was attached sees that the old one is gone. */
#include <servers/bootstrap.h>
#include "processes.h"

static int gone[2], done[2], ready[2];

/* Until the parent has ended. */
static void wait_for_end(void)
{
    char byte;
    alarm(60);
    close(gone[1]);
    HOLDS(read(gone[0], &byte, 1) == 0);
}

static void unattached_child(void)
{
    mach_port_t found;
    tell(ready[1]);
    wait_for_end();
    EXPECT(BOOTSTRAP_UNKNOWN_SERVICE, bootstrap_look_up(bootstrap_port, "test.parent", &found));
    OK(bootstrap_check_in(bootstrap_port, "test.parent", &found));
}

static void attached_child(void)
{
    mach_port_t found, own;
    OK(bootstrap_look_up(bootstrap_port, "test.parent", &found));
    OK(bootstrap_check_in(bootstrap_port, "test.child", &own));
    tell(ready[1]);
    wait_for_end();
    /* What was said last before the end may still be read. */
    kern_return_t code;
    do
        code = bootstrap_look_up(bootstrap_port, "test.parent", &found);
    while (code == BOOTSTRAP_UNKNOWN_SERVICE || code == KERN_SUCCESS);
    EXPECT(MACH_SEND_INVALID_DEST, code);
    HOLDS(type_of(own) == MACH_PORT_TYPE_RECEIVE);
    new_port();
}

int main(void)
{
    HOLDS(pipe(gone) == 0 && pipe(done) == 0 && pipe(ready) == 0);
    pid_t parent = forked();
    if (parent == 0) {
        mach_port_t port;
        OK(bootstrap_check_in(bootstrap_port, "test.parent", &port));
        void (*const children[])(void) = { unattached_child, attached_child };
        for (int at = 0; at < 2; at++) {
            if (fork() == 0) {
                children[at]();
                tell(done[1]);
                _exit(0);
            }
        }
        hear(ready[0]);
        hear(ready[0]);
        _exit(0);
    }
    close(gone[1]);
    close(done[1]);
    finished(parent);
    hear(done[0]);
    hear(done[0]);
    return 0;
}
