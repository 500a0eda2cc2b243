/* V2: many threads send by one name and receive from one port; nothing is lost, nothing comes twice. */
#include <pthread.h>
#include "messages.h"

enum { SENDERS = 3, RECEIVERS = 3, EACH = 1000 };
static mach_port_t port;
static unsigned char seen[SENDERS * EACH];
static int received;

static void *sends(void *number)
{
    for (int at = 0; at < EACH; at++)
        EXPECT(MACH_MSG_SUCCESS,
            send_simple(port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, (int)(long)number * EACH + at));
    return NULL;
}

static void *receives(void *unused)
{
    (void)unused;
    while (__atomic_fetch_add(&received, 1, __ATOMIC_RELAXED) < SENDERS * EACH) {
        received_t got;
        EXPECT(MACH_MSG_SUCCESS, receive(&got, port, 0, 0));
        HOLDS(got.number >= 0 && got.number < SENDERS * EACH && got.header.msgh_id == 1000 + got.number);
        HOLDS(__atomic_fetch_add(&seen[got.number], 1, __ATOMIC_RELAXED) == 0);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[SENDERS + RECEIVERS];
    port = new_port_with_right();
    for (long at = 0; at < SENDERS + RECEIVERS; at++)
        HOLDS(pthread_create(&threads[at], NULL, at < SENDERS ? sends : receives, (void *)at) == 0);
    for (int at = 0; at < SENDERS + RECEIVERS; at++)
        HOLDS(pthread_join(threads[at], NULL) == 0);
    for (int at = 0; at < SENDERS * EACH; at++)
        HOLDS(seen[at] == 1);
    expect_none(port);
    return 0;
}
