/* F9, Q0 to Q6: changing the count of references. */
#include "check.h"

static kern_return_t mod(mach_port_t name, mach_port_right_t right, int delta)
{
    return mach_port_mod_refs(SELF, name, right, delta);
}

int main(void)
{
    mach_port_t port = new_port(), dead = new_dead_name();
    EXPECT(KERN_INVALID_VALUE, mod(port, MACH_PORT_RIGHT_NUMBER, 0));
    EXPECT(KERN_INVALID_NAME, mod(0x20000003, MACH_PORT_RIGHT_SEND, 0));
    EXPECT(KERN_INVALID_RIGHT, mod(port, MACH_PORT_RIGHT_LABELH, 0));
    OK(mod(MACH_PORT_NULL, MACH_PORT_RIGHT_SEND, -1));
    OK(mod(MACH_PORT_DEAD, MACH_PORT_RIGHT_SEND_ONCE, 7));
    EXPECT(KERN_INVALID_NAME, mod(MACH_PORT_NULL, MACH_PORT_RIGHT_RECEIVE, -1));
    EXPECT(KERN_INVALID_NAME, mod(MACH_PORT_DEAD, MACH_PORT_RIGHT_DEAD_NAME, -1));

    /* Q1: no set. Q3: no send-once right. Q5: a receive right makes no send right by this. */
    EXPECT(KERN_INVALID_RIGHT, mod(port, MACH_PORT_RIGHT_PORT_SET, -1));
    EXPECT(KERN_INVALID_RIGHT, mod(port, MACH_PORT_RIGHT_SEND_ONCE, -1));
    EXPECT(KERN_INVALID_RIGHT, mod(port, MACH_PORT_RIGHT_SEND, 1));
    EXPECT(KERN_INVALID_RIGHT, mod(dead, MACH_PORT_RIGHT_SEND, 1));

    /* Q2: the receive right goes, or nothing. */
    EXPECT(KERN_INVALID_VALUE, mod(port, MACH_PORT_RIGHT_RECEIVE, 1));
    EXPECT(KERN_INVALID_VALUE, mod(port, MACH_PORT_RIGHT_RECEIVE, -2));
    OK(mod(port, MACH_PORT_RIGHT_RECEIVE, 0));
    EXPECT(KERN_INVALID_RIGHT, mod(dead, MACH_PORT_RIGHT_RECEIVE, -1));
    OK(mod(port, MACH_PORT_RIGHT_RECEIVE, -1));
    EXPECT(KERN_INVALID_NAME, mod(port, MACH_PORT_RIGHT_RECEIVE, -1));

    /* Q4, U4, U5: a dead name. */
    OK(mod(dead, MACH_PORT_RIGHT_DEAD_NAME, 4));
    HOLDS(refs_of(dead, MACH_PORT_RIGHT_DEAD_NAME) == 5);
    EXPECT(KERN_INVALID_VALUE, mod(dead, MACH_PORT_RIGHT_DEAD_NAME, -6));
    EXPECT(KERN_INVALID_VALUE, mod(dead, MACH_PORT_RIGHT_DEAD_NAME, 65536));
    EXPECT(KERN_INVALID_VALUE, mod(dead, MACH_PORT_RIGHT_DEAD_NAME, -65536));
    OK(mod(dead, MACH_PORT_RIGHT_DEAD_NAME, 0));
    OK(mod(dead, MACH_PORT_RIGHT_DEAD_NAME, -5));
    EXPECT(KERN_INVALID_NAME, mod(dead, MACH_PORT_RIGHT_DEAD_NAME, 0));
    return 0;
}
