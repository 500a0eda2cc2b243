/* Time in ticks of a nanosecond. */
#ifndef _MACH_MACH_TIME_H_
#define _MACH_MACH_TIME_H_

#include <stdint.h>
#include <mach/kern_return.h>

struct mach_timebase_info {
    uint32_t numer;
    uint32_t denom;
};
typedef struct mach_timebase_info *mach_timebase_info_t;
typedef struct mach_timebase_info mach_timebase_info_data_t;

#ifdef __cplusplus
extern "C" {
#endif

/* Ticks since some point in the past; they stand still while the machine sleeps. */
extern uint64_t mach_absolute_time(void);

/* The same, coarser and cheaper. */
extern uint64_t mach_approximate_time(void);

/* Ticks that go on while the machine sleeps. */
extern uint64_t mach_continuous_time(void);
extern uint64_t mach_continuous_approximate_time(void);

/* A tick has numer / denom nanoseconds: 1 / 1. */
extern kern_return_t mach_timebase_info(mach_timebase_info_t info);

/* Sleeps until mach_absolute_time has reached the deadline; KERN_ABORTED if a signal handler ran. */
extern kern_return_t mach_wait_until(uint64_t deadline);

#ifdef __cplusplus
}
#endif

#endif
