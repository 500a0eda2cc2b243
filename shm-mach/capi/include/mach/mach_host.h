/* Calls on the machine. */
#ifndef _MACH_MACH_HOST_H_
#define _MACH_MACH_HOST_H_

#include <mach/mach_init.h>
#include <mach/mach_types.h>

#ifdef __cplusplus
extern "C" {
#endif

extern kern_return_t host_get_host_priv_port(host_t host, host_priv_t *host_priv);
extern kern_return_t host_get_clock_service(host_t host, clock_id_t clock_id, clock_serv_t *clock_serv);
extern kern_return_t host_request_notification(host_t host, int notify_type, mach_port_t notify_port);

#ifdef __cplusplus
}
#endif

#endif
