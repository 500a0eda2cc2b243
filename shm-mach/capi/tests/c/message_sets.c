/* PS2 to PS4, PS10, V1: receiving from a set, and from a member. */
#include "messages.h"

int main(void)
{
    enum { PORTS = 4 };
    mach_port_t set = new_right(MACH_PORT_RIGHT_PORT_SET), ports[PORTS];
    for (int at = 0; at < PORTS; at++) {
        ports[at] = new_port();
        EXPECT(MACH_MSG_SUCCESS, send_simple(ports[at], MACH_MSG_TYPE_MAKE_SEND, MACH_PORT_NULL, 0, 2 * at));
        EXPECT(MACH_MSG_SUCCESS, send_simple(ports[at], MACH_MSG_TYPE_MAKE_SEND, MACH_PORT_NULL, 0, 2 * at + 1));
        OK(mach_port_insert_member(SELF, ports[at], set));
    }
    expect_number(ports[2], 4);
    int next[PORTS] = { 0, 2, 5, 6 };
    received_t got;
    for (int count = 0; count < 2 * PORTS - 1; count++) {
        EXPECT(MACH_MSG_SUCCESS, receive(&got, set, 0, 0));
        int at = 0;
        while (at < PORTS && ports[at] != got.header.msgh_local_port)
            at++;
        HOLDS(at < PORTS && got.number == next[at]);
        next[at]++;
    }
    expect_none(set);
    EXPECT(MACH_SEND_INVALID_DEST, send_simple(set, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 0));
    return 0;
}
