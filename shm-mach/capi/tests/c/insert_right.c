/* F17, I1 to I9, S1, S2, S3: a right under another name, or under the same. */
#include "check.h"

static kern_return_t insert(mach_port_t name, mach_port_t right, mach_msg_type_name_t how)
{
    return mach_port_insert_right(SELF, name, right, how);
}

int main(void)
{
    mach_port_t port = new_port(), other = new_port(), dead = new_dead_name();
    mach_port_t set = new_right(MACH_PORT_RIGHT_PORT_SET);

    EXPECT(KERN_INVALID_VALUE, insert(port, port, MACH_MSG_TYPE_PORT_NAME));
    EXPECT(KERN_INVALID_VALUE, insert(port, port, MACH_MSG_TYPE_COPY_RECEIVE));
    EXPECT(KERN_INVALID_VALUE, insert(MACH_PORT_NULL, port, MACH_MSG_TYPE_MAKE_SEND));
    EXPECT(KERN_INVALID_VALUE, insert(MACH_PORT_DEAD, port, MACH_MSG_TYPE_MAKE_SEND));

    /* I2: from itself. */
    EXPECT(KERN_INVALID_NAME, insert(0x20000003, 0x20000003, MACH_MSG_TYPE_MAKE_SEND));
    EXPECT(KERN_INVALID_CAPABILITY, insert(dead, dead, MACH_MSG_TYPE_MAKE_SEND));
    EXPECT(KERN_INVALID_RIGHT, insert(set, set, MACH_MSG_TYPE_MAKE_SEND));
    EXPECT(KERN_INVALID_RIGHT, insert(port, port, MACH_MSG_TYPE_COPY_SEND));
    OK(insert(port, port, MACH_MSG_TYPE_MAKE_SEND));
    HOLDS(type_of(port) == MACH_PORT_TYPE_SEND_RECEIVE && refs_of(port, MACH_PORT_RIGHT_SEND) == 1);
    OK(insert(port, port, MACH_MSG_TYPE_COPY_SEND));
    OK(insert(port, port, MACH_MSG_TYPE_MAKE_SEND));
    HOLDS(refs_of(port, MACH_PORT_RIGHT_SEND) == 3);

    /* I3, I4: what is to be taken. */
    EXPECT(KERN_INVALID_NAME, insert(other, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND));
    EXPECT(KERN_INVALID_NAME, insert(other, 0x20000003, MACH_MSG_TYPE_COPY_SEND));
    EXPECT(KERN_INVALID_RIGHT, insert(other, other, MACH_MSG_TYPE_MOVE_SEND));
    EXPECT(KERN_INVALID_CAPABILITY, insert(other, dead, MACH_MSG_TYPE_COPY_SEND));
    EXPECT(KERN_INVALID_CAPABILITY, insert(other, SELF, MACH_MSG_TYPE_COPY_SEND));
    EXPECT(KERN_INVALID_RIGHT, insert(other, SELF, MACH_MSG_TYPE_MAKE_SEND));

    /* I7, I8: where it is to go. */
    mach_port_t chosen = MACH_PORT_MAKE(MACH_PORT_INDEX(port) + 30, (natural_t)0x13 << 24);
    EXPECT(KERN_RIGHT_EXISTS, insert(chosen, port, MACH_MSG_TYPE_MAKE_SEND));
    EXPECT(KERN_RIGHT_EXISTS, insert(other, port, MACH_MSG_TYPE_COPY_SEND));
    EXPECT(KERN_NAME_EXISTS, insert(port, other, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    EXPECT(KERN_FAILURE, insert(0x7b, port, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    EXPECT(KERN_INVALID_VALUE, insert(0x7a, port, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    OK(insert(chosen, port, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    HOLDS(type_of(chosen) == MACH_PORT_TYPE_SEND_ONCE && refs_of(chosen, MACH_PORT_RIGHT_SEND_ONCE) == 1);
    OK(mach_port_deallocate(SELF, chosen));

    /* S3: what is left of a port that is gone. */
    OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
    HOLDS(type_of(port) == MACH_PORT_TYPE_DEAD_NAME && refs_of(port, MACH_PORT_RIGHT_DEAD_NAME) == 3);

    /* S2: what is left of a send right that is given up. */
    OK(insert(other, other, MACH_MSG_TYPE_MAKE_SEND));
    OK(mach_port_deallocate(SELF, other));
    HOLDS(type_of(other) == MACH_PORT_TYPE_RECEIVE);
    return 0;
}
