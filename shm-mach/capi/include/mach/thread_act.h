/* Calls on a thread. */
#ifndef _MACH_THREAD_ACT_H_
#define _MACH_THREAD_ACT_H_

#include <mach/mach_types.h>

#ifdef __cplusplus
extern "C" {
#endif

extern kern_return_t thread_get_special_port(thread_inspect_t thr_act, int which_port, mach_port_t *special_port);
extern kern_return_t thread_set_special_port(thread_act_t thr_act, int which_port, mach_port_t special_port);

#ifdef __cplusplus
}
#endif

#define thread_get_kernel_port(thread, port) (thread_get_special_port((thread), THREAD_KERNEL_PORT, (port)))
#define thread_set_kernel_port(thread, port) (thread_set_special_port((thread), THREAD_KERNEL_PORT, (port)))

#endif
