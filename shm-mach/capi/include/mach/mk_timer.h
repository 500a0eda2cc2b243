/* Ports that get a message at a point in time. */
#ifndef _MACH_MK_TIMER_H_
#define _MACH_MK_TIMER_H_

#include <stdint.h>
#include <mach/mach_time.h>
#include <mach/mach_types.h>

#define MK_TIMER_NORMAL 0
#define MK_TIMER_CRITICAL 1

struct mk_timer_expire_msg {
    mach_msg_header_t header;
    uint64_t unused[3];
};
typedef struct mk_timer_expire_msg mk_timer_expire_msg_t;

#ifdef __cplusplus
extern "C" {
#endif

extern mach_port_name_t mk_timer_create(void);
extern kern_return_t mk_timer_destroy(mach_port_name_t name);
extern kern_return_t mk_timer_arm(mach_port_name_t name, uint64_t expire_time);
extern kern_return_t mk_timer_arm_leeway(
    mach_port_name_t name, uint64_t mk_timer_flags, uint64_t expire_time, uint64_t mk_leeway);
extern kern_return_t mk_timer_cancel(mach_port_name_t name, uint64_t *result_time);

#ifdef __cplusplus
}
#endif

#endif
