/* Calls on the machine that need privilege. */
#ifndef _MACH_HOST_PRIV_H_
#define _MACH_HOST_PRIV_H_

#include <mach/host_special_ports.h>
#include <mach/mach_types.h>

#ifdef __cplusplus
extern "C" {
#endif

extern kern_return_t host_get_special_port(host_priv_t host_priv, int node, int which, mach_port_t *port);
extern kern_return_t host_set_special_port(host_priv_t host_priv, int which, mach_port_t port);

#ifdef __cplusplus
}
#endif

#endif
