/* TP10, ML1: ports for replies. */
#include <pthread.h>
#include "processes.h"

static void *other_thread(void *mine)
{
    mach_port_t own = mig_get_reply_port();
    HOLDS(own != *(mach_port_t *)mine && type_of(own) == MACH_PORT_TYPE_RECEIVE);
    *(mach_port_t *)mine = own;
    return NULL;
}

int main(void)
{
    mach_port_t port = mach_reply_port();
    HOLDS(MACH_PORT_VALID(port) && type_of(port) == MACH_PORT_TYPE_RECEIVE);
    HOLDS(mach_reply_port() != port);

    mach_port_t own = mig_get_reply_port();
    HOLDS((type_of(own) & MACH_PORT_TYPE_RECEIVE) && mig_get_reply_port() == own);
    mig_put_reply_port(own);
    HOLDS(mig_get_reply_port() == own);
    pthread_t other;
    mach_port_t others = own;
    HOLDS(pthread_create(&other, NULL, other_thread, &others) == 0);
    HOLDS(pthread_join(other, NULL) == 0);
    /* It has ended with its thread. */
    mach_port_type_t type;
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, others, &type));

    mig_dealloc_reply_port(own);
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, own, &type));
    mach_port_t next = mig_get_reply_port();
    HOLDS(next != own && type_of(next) == MACH_PORT_TYPE_RECEIVE);

    /* A child has one of its own. */
    pid_t child = forked();
    if (child == 0) {
        mach_port_t mine = mig_get_reply_port();
        HOLDS(type_of(mine) == MACH_PORT_TYPE_RECEIVE);
        mig_dealloc_reply_port(mine);
        return 0;
    }
    finished(child);
    HOLDS(mig_get_reply_port() == next);
    return 0;
}
