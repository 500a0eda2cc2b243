/* What the programs check with: the first thing that is not so ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <mach/mach.h>

/* A call returns this code. */
#define EXPECT(code, call)                                                                        \
    do {                                                                                          \
        long long got_ = (long long)(call), want_ = (long long)(code);                            \
        if (got_ != want_) {                                                                      \
            fprintf(stderr, "%s:%d: %s gives %lld (%#llx, %s), not %lld (%s)\n", __FILE__, __LINE__, #call, \
                got_, (unsigned long long)got_, mach_error_string((mach_error_t)got_), want_, #code); \
            exit(1);                                                                              \
        }                                                                                         \
    } while (0)

/* Something is so. */
#define HOLDS(what)                                                        \
    do {                                                                   \
        if (!(what)) {                                                     \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            exit(1);                                                       \
        }                                                                  \
    } while (0)

#define OK(call) EXPECT(KERN_SUCCESS, call)

#define SELF mach_task_self()

static inline mach_port_t new_right(mach_port_right_t right)
{
    mach_port_t name = MACH_PORT_NULL;
    OK(mach_port_allocate(SELF, right, &name));
    HOLDS(MACH_PORT_VALID(name));
    return name;
}

static inline mach_port_t new_port(void)
{
    return new_right(MACH_PORT_RIGHT_RECEIVE);
}

static inline mach_port_t new_dead_name(void)
{
    return new_right(MACH_PORT_RIGHT_DEAD_NAME);
}

static inline mach_port_type_t type_of(mach_port_t name)
{
    mach_port_type_t type = 0;
    OK(mach_port_type(SELF, name, &type));
    return type;
}

static inline unsigned refs_of(mach_port_t name, mach_port_right_t right)
{
    mach_port_urefs_t refs = 0xdeadbeef;
    OK(mach_port_get_refs(SELF, name, right, &refs));
    return refs;
}

#endif
