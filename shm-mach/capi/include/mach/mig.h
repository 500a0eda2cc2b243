/* What generated code is made of, and what it calls. */
#ifndef _MACH_MIG_H_
#define _MACH_MIG_H_

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <mach/vm_types.h>

/* Takes a request apart, calls its routine, and fills the reply. */
typedef void (*mig_stub_routine_t)(mach_msg_header_t *InHeadP, mach_msg_header_t *OutHeadP);
typedef mig_stub_routine_t mig_routine_t;

/* The stub for a request; 0 where there is none. */
typedef mig_routine_t (*mig_server_routine_t)(mach_msg_header_t *InHeadP);

/* A routine of the program's. */
typedef kern_return_t (*mig_impl_routine_t)(void);

typedef mach_msg_type_descriptor_t routine_arg_descriptor;
typedef mach_msg_type_descriptor_t *routine_arg_descriptor_t;
typedef mach_msg_type_descriptor_t *mig_routine_arg_descriptor_t;
#define MIG_ROUTINE_ARG_DESCRIPTOR_NULL ((mig_routine_arg_descriptor_t)0)

struct routine_descriptor {
    mig_impl_routine_t impl_routine;
    mig_stub_routine_t stub_routine;
    unsigned int argc;
    unsigned int descr_count;
    routine_arg_descriptor_t arg_descr;
    unsigned int max_reply_msg;
};
typedef struct routine_descriptor *routine_descriptor_t;
typedef struct routine_descriptor mig_routine_descriptor;
typedef mig_routine_descriptor *mig_routine_descriptor_t;
#define MIG_ROUTINE_DESCRIPTOR_NULL ((mig_routine_descriptor_t)0)

typedef struct mig_subsystem {
    mig_server_routine_t server;
    mach_msg_id_t start;
    mach_msg_id_t end;
    mach_msg_size_t maxsize;
    vm_address_t reserved;
    mig_routine_descriptor routine[1];
} *mig_subsystem_t;
#define MIG_SUBSYSTEM_NULL ((mig_subsystem_t)0)

typedef struct mig_symtab {
    char *ms_routine_name;
    int ms_routine_number;
    void (*ms_routine)(void);
} mig_symtab_t;

#ifdef __cplusplus
extern "C" {
#endif

/* The calling thread's port for replies: the same each time, until it is given up. */
extern mach_port_t mig_get_reply_port(void);

/* Gives it up: an answer that comes too late finds nobody. */
extern void mig_dealloc_reply_port(mach_port_t reply_port);

/* It may be used again. */
extern void mig_put_reply_port(mach_port_t reply_port);

/* Copies at most len bytes, the last of them always a NUL; says how long the copy is, with the NUL. */
extern int mig_strncpy(char *dest, const char *src, int len);

/* The same, with zeros up to len. */
extern int mig_strncpy_zerofill(char *dest, const char *src, int len);

/* Memory for a stub; the address is 0 when there is none. */
extern void mig_allocate(vm_address_t *addr_p, vm_size_t size);

/* Gives memory back that a stub has from the calls. */
extern void mig_deallocate(vm_address_t addr, vm_size_t size);

#ifdef __cplusplus
}
#endif

#endif
