/* Many threads make the first call at once: there is one task. */
#include <pthread.h>
#include "check.h"

enum { THREADS = 16 };
static pthread_barrier_t start;
static mach_port_t made[THREADS];

static void *first(void *place)
{
    pthread_barrier_wait(&start);
    *(mach_port_t *)place = new_dead_name();
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    HOLDS(pthread_barrier_init(&start, NULL, THREADS) == 0);
    for (int at = 0; at < THREADS; at++)
        HOLDS(pthread_create(&threads[at], NULL, first, &made[at]) == 0);
    for (int at = 0; at < THREADS; at++)
        HOLDS(pthread_join(threads[at], NULL) == 0);
    for (int at = 0; at < THREADS; at++) {
        HOLDS(type_of(made[at]) == MACH_PORT_TYPE_DEAD_NAME);
        for (int other = 0; other < at; other++)
            HOLDS(made[at] != made[other]);
    }
    return 0;
}
