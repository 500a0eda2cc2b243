/* Calls without an interface definition. */
#ifndef _MACH_MACH_TRAPS_H_
#define _MACH_MACH_TRAPS_H_

#include <mach/mach_types.h>
#include <mach/semaphore.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A new port, and the name of its receive right; NULL if there is none. */
extern mach_port_name_t mach_reply_port(void);

extern kern_return_t task_for_pid(mach_port_name_t target_tport, int pid, mach_port_name_t *t);
extern kern_return_t task_name_for_pid(mach_port_name_t target_tport, int pid, mach_port_name_t *tn);
extern kern_return_t pid_for_task(mach_port_name_t t, int *x);

/* Lets other threads run. */
extern boolean_t swtch(void);
extern boolean_t swtch_pri(int pri);
extern kern_return_t thread_switch(mach_port_name_t thread_name, int option, mach_msg_timeout_t option_time);

#ifdef __cplusplus
}
#endif

/* For thread_switch. */
#define SWITCH_OPTION_NONE 0
#define SWITCH_OPTION_DEPRESS 1
#define SWITCH_OPTION_WAIT 2
#define valid_switch_option(opt) (0 <= (opt) && (opt) <= 2)

#endif
