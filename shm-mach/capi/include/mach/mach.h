/* All that a program for Mach needs, but for mach_vm.h, mach_time.h and the bootstrap's header. */
#ifndef _MACH_MACH_H_
#define _MACH_MACH_H_

#include <mach/mach_error.h>
#include <mach/mach_init.h>
#include <mach/mach_interface.h>
#include <mach/mach_types.h>
#include <mach/mach_traps.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>
#include <mach/std_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Serves the requests that come through a port: demux takes each, and fills the answer. */
extern mach_msg_return_t mach_msg_server(boolean_t (*demux)(mach_msg_header_t *, mach_msg_header_t *),
    mach_msg_size_t max_size, mach_port_t rcv_name, mach_msg_options_t options);

/* The same for one request. */
extern mach_msg_return_t mach_msg_server_once(boolean_t (*demux)(mach_msg_header_t *, mach_msg_header_t *),
    mach_msg_size_t max_size, mach_port_t rcv_name, mach_msg_options_t options);

#ifdef __cplusplus
}
#endif

#endif
