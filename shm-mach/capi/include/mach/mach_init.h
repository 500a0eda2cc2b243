/* What a program has from the start. */
#ifndef _MACH_MACH_INIT_H_
#define _MACH_MACH_INIT_H_

#include <mach/mach_types.h>
#include <mach/vm_page_size.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The name of the task itself: the same as long as the program runs, and in its forked children. */
extern mach_port_t mach_task_self_;
extern mach_port_t mach_task_self(void);
#define mach_task_self() mach_task_self_
#define current_task() mach_task_self()

/* Where services are found. */
extern mach_port_t bootstrap_port;

/* The calling thread's name, and the machine's: each call gives one more reference. */
extern mach_port_t mach_thread_self(void);
extern mach_port_t mach_host_self(void);

extern boolean_t mach_task_is_self(task_name_t task);
extern kern_return_t host_page_size(host_t host, vm_size_t *page_size);

#ifdef __cplusplus
}
#endif

#include <mach/mach_traps.h>

#endif
