/* Z1, Z4, SD1, SD3, SD5 to SD8, V1: what is refused, and that nothing is consumed by it. */
#include "messages.h"

static mach_msg_return_t send_bits(mach_msg_bits_t bits, mach_port_t to, mach_port_t reply, mach_msg_size_t size)
{
    simple_t message = { .header = { .msgh_bits = bits, .msgh_remote_port = to, .msgh_local_port = reply } };
    return mach_msg(&message.header, MACH_SEND_MSG, size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

int main(void)
{
    enum { COPY = MACH_MSG_TYPE_COPY_SEND, MOVE = MACH_MSG_TYPE_MOVE_SEND, MAKE = MACH_MSG_TYPE_MAKE_SEND };
    mach_port_t port = new_port_with_right(), bare = new_port(), dead = new_dead_name();
    mach_port_t set = new_right(MACH_PORT_RIGHT_PORT_SET), none = MACH_PORT_NULL;

    EXPECT(MACH_SEND_MSG_TOO_SMALL, send_bits(COPY, port, none, 20));
    EXPECT(MACH_SEND_MSG_TOO_SMALL, send_bits(COPY, port, none, 26));
    EXPECT(MACH_SEND_MSG_TOO_SMALL, send_bits(COPY | MACH_MSGH_BITS_COMPLEX, port, none, 24));
    EXPECT(MACH_SEND_TOO_LARGE, send_bits(COPY, port, none, 0x7ffffffc));
    EXPECT(MACH_SEND_INVALID_HEADER, send_bits(COPY | 0x40000000, port, none, 28));
    EXPECT(MACH_SEND_INVALID_HEADER, send_bits(COPY, port, port, 28));
    EXPECT(MACH_SEND_INVALID_HEADER, send_bits(MACH_MSG_TYPE_MOVE_RECEIVE, port, none, 28));
    EXPECT(MACH_SEND_INVALID_DEST, send_bits(COPY, none, none, 28));
    EXPECT(MACH_SEND_INVALID_DEST, send_bits(COPY, MACH_PORT_DEAD, none, 28));
    EXPECT(MACH_SEND_INVALID_DEST, send_bits(COPY, 0x20000003, none, 28));
    EXPECT(MACH_SEND_INVALID_DEST, send_bits(COPY, dead, none, 28));
    EXPECT(MACH_SEND_INVALID_DEST, send_bits(COPY, set, none, 28));
    EXPECT(MACH_SEND_INVALID_DEST, send_bits(COPY, bare, none, 28));
    EXPECT(MACH_SEND_INVALID_DEST, send_bits(MACH_MSG_TYPE_MOVE_SEND_ONCE, port, none, 28));
    EXPECT(MACH_SEND_INVALID_DEST, send_bits(COPY, SELF, none, 28));
    EXPECT(MACH_SEND_INVALID_REPLY, send_bits(MACH_MSGH_BITS(COPY, MAKE), port, 0x20000003, 28));
    EXPECT(MACH_SEND_INVALID_REPLY, send_bits(MACH_MSGH_BITS(COPY, COPY), port, bare, 28));
    EXPECT(MACH_SEND_INVALID_REPLY, send_bits(MACH_MSGH_BITS(COPY, COPY), port, dead, 28));
    EXPECT(MACH_SEND_INVALID_REPLY, send_bits(MACH_MSGH_BITS(MOVE, COPY), port, SELF, 28));
    HOLDS(refs_of(port, MACH_PORT_RIGHT_SEND) == 1 && type_of(bare) == MACH_PORT_TYPE_RECEIVE);
    expect_none(port);

    /* What cannot be read, and what cannot be written. */
    EXPECT(MACH_SEND_INVALID_DATA,
        mach_msg((mach_msg_header_t *)8, MACH_SEND_MSG, 28, 0, none, 0, MACH_PORT_NULL));
    EXPECT(MACH_MSG_SUCCESS, send_simple(port, COPY, none, 0, 1));
    EXPECT(MACH_RCV_INVALID_DATA,
        mach_msg((mach_msg_header_t *)8, MACH_RCV_MSG, 0, 100, port, 0, MACH_PORT_NULL));
    expect_none(port);

    received_t got;
    EXPECT(MACH_RCV_INVALID_NAME, receive(&got, none, 0, 0));
    EXPECT(MACH_RCV_INVALID_NAME, receive(&got, 0x20000003, 0, 0));
    EXPECT(MACH_RCV_INVALID_NAME, receive(&got, dead, 0, 0));
    EXPECT(MACH_RCV_INVALID_NAME, receive(&got, SELF, 0, 0));
    EXPECT(MACH_RCV_TIMED_OUT, receive(&got, set, MACH_RCV_TIMEOUT, 1));

    /* Both at once: nothing is received when the send fails. */
    EXPECT(MACH_MSG_SUCCESS, send_simple(port, COPY, none, 0, 2));
    simple_t message = { .header = { .msgh_bits = COPY } };
    EXPECT(MACH_SEND_INVALID_DEST,
        mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, 28, sizeof message, port, 0, MACH_PORT_NULL));
    expect_number(port, 2);
    return 0;
}
