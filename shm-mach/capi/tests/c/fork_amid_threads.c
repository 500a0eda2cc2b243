/* Forking while other threads are in the midst of calls, the first ones too: the child goes on. */
#include <pthread.h>
#include "processes.h"

enum { THREADS = 4, FORKS = 30 };
static volatile int is_over;

static void *call(void *unused)
{
    (void)unused;
    while (!is_over) {
        mach_port_t port = new_port();
        HOLDS(mach_thread_self() != MACH_PORT_NULL);
        OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++)
        HOLDS(pthread_create(&threads[at], NULL, call, NULL) == 0);
    for (int at = 0; at < FORKS; at++) {
        pid_t child = forked();
        if (child == 0) {
            mach_port_t port = MACH_PORT_NULL;
            if (mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS)
                _exit(1);
            _exit(mach_port_destroy(SELF, port) == KERN_SUCCESS ? 0 : 2);
        }
        finished(child);
    }
    is_over = 1;
    for (int at = 0; at < THREADS; at++)
        HOLDS(pthread_join(threads[at], NULL) == 0);
    return 0;
}
