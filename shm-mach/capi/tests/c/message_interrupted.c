/* SD18, V8: a signal ends a call that asks for it, and no other. */
#include <signal.h>
#include <sys/time.h>
#include "messages.h"

static volatile sig_atomic_t signals;

static void count(int number)
{
    (void)number;
    signals++;
}

/* Signals from now on, a hundred times in a second, until there were enough. */
static void start(void)
{
    struct itimerval each = { { 0, 10000 }, { 0, 10000 } };
    signals = 0;
    HOLDS(setitimer(ITIMER_REAL, &each, NULL) == 0);
}

static void stop(void)
{
    struct itimerval never = { { 0, 0 }, { 0, 0 } };
    HOLDS(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

int main(void)
{
    struct sigaction action = { .sa_handler = count };
    HOLDS(sigaction(SIGALRM, &action, NULL) == 0);
    mach_port_t port = new_port_with_right();
    received_t got;

    start();
    EXPECT(MACH_RCV_INTERRUPTED, receive(&got, port, MACH_RCV_INTERRUPT, 0));
    HOLDS(signals >= 1);
    /* One that does not ask goes on: its time begins anew at most, so it is some time that has passed. */
    EXPECT(MACH_RCV_TIMED_OUT, receive(&got, port, MACH_RCV_TIMEOUT, 5));
    stop();

    for (int number = 0; number < 5; number++)
        EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, number));
    simple_t message = { .header = { .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = port, .msgh_id = 1005 },
        .number = 5 };
    start();
    EXPECT(MACH_SEND_INTERRUPTED, mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_INTERRUPT, sizeof message, 0,
                                      MACH_PORT_NULL, 0, MACH_PORT_NULL));
    stop();
    /* It came back, and can be sent as it is. */
    HOLDS(message.header.msgh_bits == MACH_MSG_TYPE_MOVE_SEND && refs_of(port, MACH_PORT_RIGHT_SEND) == 2);
    expect_number(port, 0);
    EXPECT(MACH_MSG_SUCCESS,
        mach_msg(&message.header, MACH_SEND_MSG, sizeof message, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
    HOLDS(refs_of(port, MACH_PORT_RIGHT_SEND) == 1);
    for (int number = 1; number <= 5; number++)
        expect_number(port, number);
    return 0;
}
