/* V3, V4: messages that do not fit. */
#include "messages.h"

int main(void)
{
    mach_port_t port = new_port_with_right(), reply = new_port();
    received_t got;

    /* Destroyed, with its right to answer. */
    EXPECT(MACH_MSG_SUCCESS,
        send_simple(port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 1));
    memset(&got, 0xee, sizeof got);
    EXPECT(MACH_RCV_TOO_LARGE, mach_msg(&got.header, MACH_RCV_MSG, 0, 32, port, 0, MACH_PORT_NULL));
    HOLDS(got.header.msgh_size == 24 && got.header.msgh_id == 1001);
    HOLDS(got.header.msgh_local_port == port && got.header.msgh_remote_port == MACH_PORT_NULL);
    expect_none(port);
    EXPECT(MACH_MSG_SUCCESS, receive(&got, reply, 0, 0));
    HOLDS(got.header.msgh_id == MACH_NOTIFY_SEND_ONCE && got.header.msgh_size == 24);

    /* Or it stays, and tells its size. */
    EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 2));
    memset(&got, 0xee, sizeof got);
    EXPECT(MACH_RCV_TOO_LARGE,
        mach_msg(&got.header, MACH_RCV_MSG | MACH_RCV_LARGE, 0, 32, port, 0, MACH_PORT_NULL));
    HOLDS(got.header.msgh_size == 28 && got.header.msgh_local_port == 0xeeeeeeee);
    EXPECT(MACH_RCV_TOO_LARGE, mach_msg(&got.header,
        MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY, 0, 32, port, 0, MACH_PORT_NULL));
    HOLDS(got.header.msgh_local_port == port);
    EXPECT(MACH_MSG_SUCCESS, mach_msg(&got.header, MACH_RCV_MSG | MACH_RCV_LARGE, 0, 36, port, 0, MACH_PORT_NULL));
    HOLDS(got.number == 2);
    return 0;
}
