/* TM1 to TM4: ports that get a message at a point in time. */
#include <mach/mk_timer.h>
#include "messages.h"

#define MILLISECOND 1000000ull

typedef struct {
    mk_timer_expire_msg_t message;
    mach_msg_max_trailer_t trailer;
} expired_t;

static mach_msg_return_t take(mach_port_t timer, mach_msg_option_t options, expired_t *into)
{
    memset(into, 0xee, sizeof *into);
    return mach_msg(&into->message.header, MACH_RCV_MSG | options, 0, sizeof *into, timer, 0, MACH_PORT_NULL);
}

static void expect_expiry(mach_port_t timer)
{
    expired_t got;
    EXPECT(MACH_MSG_SUCCESS, take(timer, 0, &got));
    HOLDS(got.message.header.msgh_size == sizeof got.message && got.message.header.msgh_id == 0);
    HOLDS(got.message.header.msgh_remote_port == MACH_PORT_NULL && got.message.header.msgh_local_port == timer);
    HOLDS(got.message.unused[0] == 0 && got.message.unused[1] == 0 && got.message.unused[2] == 0);
}

static void expect_nothing(mach_port_t timer)
{
    expired_t got;
    EXPECT(MACH_RCV_TIMED_OUT, take(timer, MACH_RCV_TIMEOUT, &got));
}

int main(void)
{
    mach_port_t timer = mk_timer_create(), plain = new_port();
    HOLDS(timer != MACH_PORT_NULL && type_of(timer) == MACH_PORT_TYPE_RECEIVE);
    expect_nothing(timer);

    /* A time that has passed is due at once, and once; one message waits, not two. */
    OK(mk_timer_arm(timer, 1));
    OK(mk_timer_arm(timer, 1));
    expect_expiry(timer);
    expect_nothing(timer);

    /* It comes to who waits, and not early. */
    uint64_t when = mach_absolute_time() + 30 * MILLISECOND;
    OK(mk_timer_arm_leeway(timer, MK_TIMER_CRITICAL, when, MILLISECOND));
    expect_nothing(timer);
    expect_expiry(timer);
    HOLDS(mach_absolute_time() >= when);

    /* Disarmed, it tells for when it was armed. */
    uint64_t armed = 1;
    OK(mk_timer_cancel(timer, &armed));
    HOLDS(armed == 0);
    when = mach_absolute_time() + 20 * MILLISECOND;
    OK(mk_timer_arm(timer, when));
    OK(mk_timer_cancel(timer, &armed));
    HOLDS(armed == when);
    OK(mach_wait_until(when + MILLISECOND));
    expect_nothing(timer);

    /* What is no timer. */
    EXPECT(KERN_INVALID_ARGUMENT, mk_timer_arm(plain, 1));
    EXPECT(KERN_INVALID_ARGUMENT, mk_timer_cancel(plain, &armed));
    EXPECT(KERN_INVALID_ARGUMENT, mk_timer_destroy(plain));
    EXPECT(KERN_INVALID_NAME, mk_timer_arm(0x20000003, 1));
    EXPECT(KERN_INVALID_RIGHT, mk_timer_arm(new_dead_name(), 1));

    mach_port_type_t type;
    OK(mk_timer_destroy(timer));
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, timer, &type));
    EXPECT(KERN_INVALID_NAME, mk_timer_destroy(timer));
    return 0;
}
