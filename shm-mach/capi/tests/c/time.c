/* Ticks, and waiting for one. */
#include <mach/mach_time.h>
#include <time.h>
#include "check.h"

int main(void)
{
    mach_timebase_info_data_t base = { 0, 0 };
    OK(mach_timebase_info(&base));
    HOLDS(base.numer == 1 && base.denom == 1);

    struct timespec now;
    uint64_t before = mach_absolute_time();
    HOLDS(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    uint64_t after = mach_absolute_time();
    uint64_t between = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    HOLDS(before <= between && between <= after);
    HOLDS(mach_approximate_time() <= mach_absolute_time());
    HOLDS(mach_continuous_time() >= before && mach_continuous_approximate_time() >= before);

    uint64_t deadline = mach_absolute_time() + 5 * NSEC_PER_MSEC;
    OK(mach_wait_until(deadline));
    HOLDS(mach_absolute_time() >= deadline);
    OK(mach_wait_until(0));
    return 0;
}
