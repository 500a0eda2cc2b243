/* Calls on a task. */
#ifndef _MACH_TASK_H_
#define _MACH_TASK_H_

#include <mach/mach_types.h>

#ifdef __cplusplus
extern "C" {
#endif

extern kern_return_t task_get_special_port(task_inspect_t task, int which_port, mach_port_t *special_port);
extern kern_return_t task_set_special_port(task_t task, int which_port, mach_port_t special_port);
extern kern_return_t mach_ports_register(
    task_t target_task, mach_port_array_t init_port_set, mach_msg_type_number_t init_port_setCnt);
extern kern_return_t mach_ports_lookup(
    task_t target_task, mach_port_array_t *init_port_set, mach_msg_type_number_t *init_port_setCnt);
extern kern_return_t task_get_exc_guard_behavior(task_inspect_t task, task_exc_guard_behavior_t *behavior);
extern kern_return_t task_set_exc_guard_behavior(task_t task, task_exc_guard_behavior_t behavior);
extern kern_return_t task_create_identity_token(task_t task, task_id_token_t *token);
extern kern_return_t task_identity_token_get_task_port(
    task_id_token_t token, int flavor, mach_port_t *task_port);

#ifdef __cplusplus
}
#endif

#endif
