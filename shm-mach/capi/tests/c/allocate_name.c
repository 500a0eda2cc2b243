/* F4, F5, N7: rights under names that the caller chooses. */
#include "check.h"

static kern_return_t at(mach_port_right_t right, mach_port_name_t name)
{
    return mach_port_allocate_name(SELF, right, name);
}

int main(void)
{
    mach_port_t port = new_port();
    EXPECT(KERN_INVALID_VALUE, at(MACH_PORT_RIGHT_SEND, 0x1003));
    EXPECT(KERN_INVALID_VALUE, at(MACH_PORT_RIGHT_NUMBER, 0x1003));
    EXPECT(KERN_INVALID_VALUE, at(MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL));
    EXPECT(KERN_INVALID_VALUE, at(MACH_PORT_RIGHT_RECEIVE, MACH_PORT_DEAD));
    EXPECT(KERN_NO_SPACE, at(MACH_PORT_RIGHT_RECEIVE, SELF));
    EXPECT(KERN_FAILURE, at(MACH_PORT_RIGHT_RECEIVE, 0x7b));
    EXPECT(KERN_INVALID_VALUE, at(MACH_PORT_RIGHT_RECEIVE, 0x7a));
    EXPECT(KERN_FAILURE, at(MACH_PORT_RIGHT_RECEIVE, port + 4));
    EXPECT(KERN_NAME_EXISTS, at(MACH_PORT_RIGHT_RECEIVE, port));

    mach_port_name_t chosen = MACH_PORT_MAKE(MACH_PORT_INDEX(port) + 7, (natural_t)0x27 << 24);
    OK(at(MACH_PORT_RIGHT_RECEIVE, chosen));
    HOLDS(type_of(chosen) == MACH_PORT_TYPE_RECEIVE);
    EXPECT(KERN_NAME_EXISTS, at(MACH_PORT_RIGHT_PORT_SET, chosen));
    OK(mach_port_destroy(SELF, chosen));
    OK(at(MACH_PORT_RIGHT_PORT_SET, chosen));
    HOLDS(type_of(chosen) == MACH_PORT_TYPE_PORT_SET);
    OK(mach_port_destroy(SELF, chosen));

    /* A dead name is made elsewhere. */
    mach_port_type_t type;
    OK(at(MACH_PORT_RIGHT_DEAD_NAME, chosen));
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, chosen, &type));

    mach_port_qos_t qos = { .name = 1 };
    chosen += 1 << 8; /* what was chosen before is free, and may be given out again */
    mach_port_name_t name = chosen;
    OK(mach_port_allocate_full(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL, &qos, &name));
    HOLDS(name == chosen && type_of(chosen) == MACH_PORT_TYPE_RECEIVE);
    EXPECT(KERN_NAME_EXISTS, mach_port_allocate_full(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL, &qos, &name));
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_allocate_qos(SELF, MACH_PORT_RIGHT_RECEIVE, &qos, &name));
    EXPECT(KERN_INVALID_VALUE, mach_port_allocate_full(SELF, MACH_PORT_RIGHT_RECEIVE, port, &qos, &name));
    name = MACH_PORT_NULL;
    EXPECT(KERN_INVALID_VALUE, mach_port_allocate_full(SELF, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL, &qos, &name));

    mach_port_qos_t ready = { .prealloc = 1, .len = 1000 };
    OK(mach_port_allocate_qos(SELF, MACH_PORT_RIGHT_RECEIVE, &ready, &name));
    HOLDS(type_of(name) == MACH_PORT_TYPE_RECEIVE);
    EXPECT(KERN_INVALID_VALUE, mach_port_allocate_qos(SELF, MACH_PORT_RIGHT_PORT_SET, &ready, &name));
    ready.len = 0xffffffff;
    EXPECT(KERN_RESOURCE_SHORTAGE, mach_port_allocate_qos(SELF, MACH_PORT_RIGHT_RECEIVE, &ready, &name));
    return 0;
}
