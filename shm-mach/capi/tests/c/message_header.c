/* V5, V7, T1, T3, O2: what a receiver sees of a header. */
#include "messages.h"

int main(void)
{
    mach_port_t port = new_port(), reply = new_port();
    received_t got;

    EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_MAKE_SEND, MACH_PORT_NULL, 0, 1));
    EXPECT(MACH_MSG_SUCCESS, receive(&got, port, 0, 0));
    HOLDS(got.header.msgh_bits == MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND));
    HOLDS(got.header.msgh_size == 28 && got.header.msgh_id == 1001 && got.number == 1);
    HOLDS(got.header.msgh_local_port == port && got.header.msgh_remote_port == MACH_PORT_NULL);
    HOLDS(got.header.msgh_voucher_port == MACH_PORT_NULL);
    HOLDS(got.trailer.msgh_trailer_type == 0 && got.trailer.msgh_trailer_size == 8);

    /* With a right to answer: it has a name of its own, and is used up by the answer. */
    EXPECT(MACH_MSG_SUCCESS,
        send_simple(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 2));
    EXPECT(MACH_MSG_SUCCESS, receive(&got, port, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SEQNO), 0));
    HOLDS(got.header.msgh_bits == MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE));
    HOLDS(got.trailer.msgh_trailer_size == 12 && got.trailer.msgh_seqno == 1);
    mach_port_t answer = got.header.msgh_remote_port;
    HOLDS(type_of(answer) == MACH_PORT_TYPE_SEND_ONCE && answer != reply);
    EXPECT(MACH_MSG_SUCCESS, send_simple(answer, MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_PORT_NULL, 0, 3));
    mach_port_type_t type;
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, answer, &type));
    expect_number(reply, 3);

    /* A send right to answer joins the name that the task has for the port. */
    EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_MAKE_SEND, reply, MACH_MSG_TYPE_MAKE_SEND, 4));
    EXPECT(MACH_MSG_SUCCESS, receive(&got, port, 0, 0));
    HOLDS(MACH_MSGH_BITS_REMOTE(got.header.msgh_bits) == MACH_MSG_TYPE_PORT_SEND);
    HOLDS(got.header.msgh_remote_port == reply && type_of(reply) == MACH_PORT_TYPE_SEND_RECEIVE);

    /* A right that dies on the way. */
    EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_MAKE_SEND, reply, MACH_MSG_TYPE_COPY_SEND, 5));
    OK(mach_port_mod_refs(SELF, reply, MACH_PORT_RIGHT_RECEIVE, -1));
    EXPECT(MACH_MSG_SUCCESS, receive(&got, port, 0, 0));
    HOLDS(got.header.msgh_remote_port == MACH_PORT_DEAD);
    expect_none(port);
    return 0;
}
