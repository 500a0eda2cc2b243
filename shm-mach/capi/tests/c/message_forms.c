/* ML4, V12: the short calls, and a buffer of its own for what comes. */
#include "messages.h"

int main(void)
{
    mach_port_t port = new_port_with_right();
    simple_t message = { .header = { .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = port,
                             .msgh_size = sizeof message, .msgh_id = 1007 },
        .number = 7 };
    EXPECT(MACH_MSG_SUCCESS, mach_msg_send(&message.header));
    received_t got = { .header = { .msgh_size = sizeof got, .msgh_local_port = port } };
    EXPECT(MACH_MSG_SUCCESS, mach_msg_receive(&got.header));
    HOLDS(got.number == 7 && got.header.msgh_id == 1007);

    memset(&got, 0, sizeof got);
    simple_t before = message;
    EXPECT(MACH_MSG_SUCCESS, mach_msg_overwrite(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof message,
                                 sizeof got, port, 0, MACH_PORT_NULL, &got.header, 0));
    HOLDS(memcmp(&message, &before, sizeof message) == 0 && got.number == 7);
    EXPECT(MACH_MSG_SUCCESS, mach_msg_send(&message.header));
    EXPECT(MACH_MSG_SUCCESS, mach_msg_overwrite(&got.header, MACH_RCV_MSG, 0, sizeof got, port, 0, MACH_PORT_NULL,
                                 NULL, 0));
    HOLDS(got.number == 7);

    /* Neither: nothing happens. */
    EXPECT(MACH_MSG_SUCCESS, mach_msg(&got.header, MACH_MSG_OPTION_NONE, 0, 0, port, 0, MACH_PORT_NULL));
    expect_none(port);
    return 0;
}
