/* F18: a right is taken out, as if for a message. */
#include "check.h"

int main(void)
{
    mach_port_t port = new_port(), dead = new_dead_name(), taken = 42;
    mach_msg_type_name_t type = 42;
    EXPECT(KERN_INVALID_VALUE, mach_port_extract_right(SELF, port, 15, &taken, &type));
    EXPECT(KERN_INVALID_RIGHT, mach_port_extract_right(SELF, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND, &taken, &type));
    EXPECT(KERN_INVALID_NAME, mach_port_extract_right(SELF, 0x20000003, MACH_MSG_TYPE_COPY_SEND, &taken, &type));
    EXPECT(KERN_INVALID_RIGHT, mach_port_extract_right(SELF, port, MACH_MSG_TYPE_COPY_SEND, &taken, &type));
    EXPECT(KERN_INVALID_RIGHT, mach_port_extract_right(SELF, dead, MACH_MSG_TYPE_MAKE_SEND, &taken, &type));
    EXPECT(KERN_INVALID_CAPABILITY, mach_port_extract_right(SELF, SELF, MACH_MSG_TYPE_MOVE_SEND, &taken, &type));
    HOLDS(taken == 42 && type == 42);

    OK(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND, &taken, &type));
    HOLDS(taken == port && type == MACH_MSG_TYPE_PORT_SEND);
    HOLDS(type_of(port) == MACH_PORT_TYPE_SEND_RECEIVE);
    OK(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_COPY_SEND, &taken, &type));
    HOLDS(taken == port && refs_of(port, MACH_PORT_RIGHT_SEND) == 2);
    OK(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MOVE_SEND, &taken, &type));
    HOLDS(taken == port && refs_of(port, MACH_PORT_RIGHT_SEND) == 2);

    OK(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &taken, &type));
    HOLDS(taken != port && type == MACH_MSG_TYPE_PORT_SEND_ONCE && type_of(taken) == MACH_PORT_TYPE_SEND_ONCE);
    mach_port_t moved = 42;
    OK(mach_port_extract_right(SELF, taken, MACH_MSG_TYPE_MOVE_SEND_ONCE, &moved, &type));
    HOLDS(type_of(moved) == MACH_PORT_TYPE_SEND_ONCE);

    OK(mach_port_mod_refs(SELF, dead, MACH_PORT_RIGHT_DEAD_NAME, 1));
    OK(mach_port_extract_right(SELF, dead, MACH_MSG_TYPE_COPY_SEND, &taken, &type));
    HOLDS(taken == MACH_PORT_DEAD && refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME) == 2);
    OK(mach_port_extract_right(SELF, dead, MACH_MSG_TYPE_MOVE_SEND, &taken, &type));
    HOLDS(taken == MACH_PORT_DEAD && refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME) == 1);
    return 0;
}
