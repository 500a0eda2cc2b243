/* F8: how many references there are. */
#include "check.h"

int main(void)
{
    mach_port_urefs_t refs = 42;
    mach_port_t port = new_port();
    EXPECT(KERN_INVALID_VALUE, mach_port_get_refs(SELF, port, MACH_PORT_RIGHT_NUMBER, &refs));
    /* The number of the right is looked at first. */
    EXPECT(KERN_INVALID_VALUE, mach_port_get_refs(SELF, 0x20000003, MACH_PORT_RIGHT_NUMBER, &refs));
    EXPECT(KERN_INVALID_NAME, mach_port_get_refs(SELF, 0x20000003, MACH_PORT_RIGHT_SEND, &refs));
    EXPECT(KERN_INVALID_NAME, mach_port_get_refs(SELF, 0x20000003, MACH_PORT_RIGHT_LABELH, &refs));
    HOLDS(refs == 42);

    mach_port_t nothing[] = { MACH_PORT_NULL, MACH_PORT_DEAD };
    for (int at = 0; at < 2; at++) {
        HOLDS(refs_of(nothing[at], MACH_PORT_RIGHT_SEND) == 1);
        HOLDS(refs_of(nothing[at], MACH_PORT_RIGHT_SEND_ONCE) == 1);
        EXPECT(KERN_INVALID_NAME, mach_port_get_refs(SELF, nothing[at], MACH_PORT_RIGHT_RECEIVE, &refs));
        EXPECT(KERN_INVALID_NAME, mach_port_get_refs(SELF, nothing[at], MACH_PORT_RIGHT_PORT_SET, &refs));
        EXPECT(KERN_INVALID_NAME, mach_port_get_refs(SELF, nothing[at], MACH_PORT_RIGHT_DEAD_NAME, &refs));
        EXPECT(KERN_INVALID_NAME, mach_port_get_refs(SELF, nothing[at], MACH_PORT_RIGHT_LABELH, &refs));
    }

    /* A name without that right has none. */
    HOLDS(refs_of(port, MACH_PORT_RIGHT_RECEIVE) == 1);
    HOLDS(refs_of(port, MACH_PORT_RIGHT_SEND) == 0);
    HOLDS(refs_of(port, MACH_PORT_RIGHT_PORT_SET) == 0);
    HOLDS(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME) == 0);
    HOLDS(refs_of(port, MACH_PORT_RIGHT_LABELH) == 0);
    return 0;
}
