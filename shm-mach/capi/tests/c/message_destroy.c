/* ML3: a message that was not sent is given up. */
#include "messages.h"

static with_right_t with(mach_port_t to, mach_msg_type_name_t how_to, mach_port_t right, mach_msg_type_name_t how)
{
    return (with_right_t){ .header = { .msgh_bits = how_to | MACH_MSGH_BITS_COMPLEX, .msgh_remote_port = to,
                               .msgh_local_port = to },
        .body = { 1 },
        .right = { .name = right, .disposition = how, .type = MACH_MSG_PORT_DESCRIPTOR } };
}

int main(void)
{
    mach_port_t to = new_port_with_right(), port = new_port_with_right();
    mach_port_status_t status;
    mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
    received_t got;

    with_right_t message = with(to, MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_COPY_SEND);
    mach_msg_destroy(&message.header);
    HOLDS(refs_of(to, MACH_PORT_RIGHT_SEND) == 1 && refs_of(port, MACH_PORT_RIGHT_SEND) == 1);

    message = with(to, MACH_MSG_TYPE_MOVE_SEND, port, MACH_MSG_TYPE_MAKE_SEND);
    mach_msg_destroy(&message.header);
    HOLDS(type_of(to) == MACH_PORT_TYPE_RECEIVE && refs_of(port, MACH_PORT_RIGHT_SEND) == 1);
    OK(mach_port_get_attributes(SELF, port, MACH_PORT_RECEIVE_STATUS, (mach_port_info_t)&status, &count));
    HOLDS(status.mps_mscount == 2);

    message = with(to, MACH_MSG_TYPE_MAKE_SEND_ONCE, port, MACH_MSG_TYPE_MOVE_RECEIVE);
    mach_msg_destroy(&message.header);
    HOLDS(type_of(port) == MACH_PORT_TYPE_DEAD_NAME);
    EXPECT(MACH_MSG_SUCCESS, receive(&got, to, 0, 0));
    HOLDS(got.header.msgh_id == MACH_NOTIFY_SEND_ONCE);

    /* The local port is not touched, nor what is nothing. */
    message = with(MACH_PORT_NULL, 0, MACH_PORT_DEAD, MACH_MSG_TYPE_MOVE_SEND);
    message.header.msgh_bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_MOVE_RECEIVE);
    message.header.msgh_local_port = to;
    mach_msg_destroy(&message.header);
    HOLDS(type_of(to) == MACH_PORT_TYPE_RECEIVE);
    return 0;
}
