/* L1 to L3, SD16, SD17, SD20: a full queue, and a message that comes back. */
#include "messages.h"

int main(void)
{
    mach_port_t port = new_port_with_right(), reply = new_port();
    for (int number = 0; number < 5; number++)
        EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, number));

    simple_t message = { .header = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
                             .msgh_remote_port = port, .msgh_local_port = reply, .msgh_id = 77 },
        .number = 99 };
    EXPECT(MACH_SEND_TIMED_OUT, mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof message, 0,
                                    MACH_PORT_NULL, 0, MACH_PORT_NULL));
    HOLDS(message.header.msgh_bits == MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MOVE_SEND_ONCE));
    HOLDS(message.header.msgh_remote_port == port && refs_of(port, MACH_PORT_RIGHT_SEND) == 2);
    HOLDS(type_of(message.header.msgh_local_port) == MACH_PORT_TYPE_SEND_ONCE && message.number == 99);
    EXPECT(MACH_SEND_TIMED_OUT, mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof message, 0,
                                    MACH_PORT_NULL, 20, MACH_PORT_NULL));

    /* Given up: the right to answer tells its port. */
    mach_port_t once = message.header.msgh_local_port;
    mach_msg_destroy(&message.header);
    OK(mach_port_deallocate(SELF, once));
    HOLDS(refs_of(port, MACH_PORT_RIGHT_SEND) == 1);
    received_t got;
    EXPECT(MACH_MSG_SUCCESS, receive(&got, reply, 0, 0));
    HOLDS(got.header.msgh_id == MACH_NOTIFY_SEND_ONCE);

    /* What goes to a send-once right has no limit. */
    mach_port_t token;
    mach_msg_type_name_t type;
    OK(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &token, &type));
    EXPECT(MACH_MSG_SUCCESS, send_simple(token, MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_PORT_NULL, 0, 50));

    mach_port_limits_t limits = { 6 };
    OK(mach_port_set_attributes(SELF, port, MACH_PORT_LIMITS_INFO, (mach_port_info_t)&limits, 1));
    mach_port_status_t status;
    mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
    OK(mach_port_get_attributes(SELF, port, MACH_PORT_RECEIVE_STATUS, (mach_port_info_t)&status, &count));
    HOLDS(status.mps_msgcount == 6);
    int seen = 0;
    for (int number = 0; number < 6; number++) {
        EXPECT(MACH_MSG_SUCCESS, receive(&got, port, 0, 0));
        seen |= 1 << (got.number == 50 ? 5 : got.number);
    }
    HOLDS(seen == 0x3f);
    expect_none(port);
    return 0;
}
