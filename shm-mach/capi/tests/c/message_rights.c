/* B1, B2, B10, MV1: rights in bodies, from process to process. */
#include <servers/bootstrap.h>
#include "messages.h"
#include "processes.h"

static mach_msg_return_t send_right(mach_port_t to, mach_port_t right, mach_msg_type_name_t how)
{
    with_right_t message = { .header = { .msgh_bits = MACH_MSG_TYPE_COPY_SEND | MACH_MSGH_BITS_COMPLEX,
                                 .msgh_remote_port = to },
        .body = { 1 },
        .right = { .name = right, .disposition = how, .type = MACH_MSG_PORT_DESCRIPTOR },
        .number = 5 };
    return mach_msg(&message.header, MACH_SEND_MSG, sizeof message, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

static mach_port_t take_right(mach_port_t from, mach_msg_type_name_t how)
{
    received_right_t got;
    EXPECT(MACH_MSG_SUCCESS, mach_msg(&got.header, MACH_RCV_MSG, 0, sizeof got, from, 0, MACH_PORT_NULL));
    HOLDS(MACH_MSGH_BITS_IS_COMPLEX(got.header.msgh_bits) && got.header.msgh_size == sizeof(with_right_t));
    HOLDS(got.body.msgh_descriptor_count == 1 && got.right.type == MACH_MSG_PORT_DESCRIPTOR);
    HOLDS(got.number == 5 && got.right.disposition == how);
    return got.right.name;
}

static void child(void)
{
    mach_port_t server, own = new_port();
    OK(bootstrap_look_up(bootstrap_port, "test.rights", &server));
    EXPECT(MACH_MSG_SUCCESS, send_right(server, own, MACH_MSG_TYPE_MAKE_SEND));
    expect_number(own, 1);
    EXPECT(MACH_MSG_SUCCESS, send_right(server, own, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    expect_number(own, 2);
    /* A right to the server's port goes home, and joins the name there. */
    EXPECT(MACH_MSG_SUCCESS, send_right(server, server, MACH_MSG_TYPE_COPY_SEND));
    HOLDS(refs_of(server, MACH_PORT_RIGHT_SEND) == 1);
    expect_number(own, 3);
    mach_port_t gift = new_port();
    mach_port_type_t type;
    EXPECT(MACH_MSG_SUCCESS, send_right(server, gift, MACH_MSG_TYPE_MOVE_RECEIVE));
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, gift, &type));
}

int main(void)
{
    mach_port_t port;
    OK(bootstrap_check_in(bootstrap_port, "test.rights", &port));
    pid_t other = forked();
    if (other == 0) {
        child();
        return 0;
    }
    mach_port_t back = take_right(port, MACH_MSG_TYPE_PORT_SEND);
    HOLDS(type_of(back) == MACH_PORT_TYPE_SEND && refs_of(back, MACH_PORT_RIGHT_SEND) == 1);
    EXPECT(MACH_MSG_SUCCESS, send_simple(back, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 1));
    mach_port_t once = take_right(port, MACH_MSG_TYPE_PORT_SEND_ONCE);
    HOLDS(once != back && type_of(once) == MACH_PORT_TYPE_SEND_ONCE);
    EXPECT(MACH_MSG_SUCCESS, send_simple(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_PORT_NULL, 0, 2));
    HOLDS(take_right(port, MACH_MSG_TYPE_PORT_SEND) == port);
    HOLDS(type_of(port) == MACH_PORT_TYPE_SEND_RECEIVE && refs_of(port, MACH_PORT_RIGHT_SEND) == 1);
    EXPECT(MACH_MSG_SUCCESS, send_simple(back, MACH_MSG_TYPE_MOVE_SEND, MACH_PORT_NULL, 0, 3));
    mach_port_t gift = take_right(port, MACH_MSG_TYPE_PORT_RECEIVE);
    HOLDS(type_of(gift) == MACH_PORT_TYPE_RECEIVE);
    OK(mach_port_insert_right(SELF, gift, gift, MACH_MSG_TYPE_MAKE_SEND));
    EXPECT(MACH_MSG_SUCCESS, send_simple(gift, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 4));
    finished(other);

    /* Within a task the queue comes along. */
    EXPECT(MACH_MSG_SUCCESS, send_right(port, gift, MACH_MSG_TYPE_MOVE_RECEIVE));
    HOLDS(type_of(gift) == MACH_PORT_TYPE_SEND);
    HOLDS(take_right(port, MACH_MSG_TYPE_PORT_RECEIVE) == gift);
    expect_number(gift, 4);

    /* What is nothing passes as it is; what is not there is refused, and takes the header along. */
    mach_port_t dead = new_dead_name();
    EXPECT(MACH_MSG_SUCCESS, send_right(port, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND));
    HOLDS(take_right(port, MACH_MSG_TYPE_PORT_SEND) == MACH_PORT_NULL);
    EXPECT(MACH_MSG_SUCCESS, send_right(port, MACH_PORT_DEAD, MACH_MSG_TYPE_COPY_SEND));
    HOLDS(take_right(port, MACH_MSG_TYPE_PORT_SEND) == MACH_PORT_DEAD);
    EXPECT(MACH_MSG_SUCCESS, send_right(port, dead, MACH_MSG_TYPE_COPY_SEND));
    HOLDS(take_right(port, MACH_MSG_TYPE_PORT_SEND) == MACH_PORT_DEAD);
    EXPECT(MACH_SEND_INVALID_RIGHT, send_right(port, 0x20000003, MACH_MSG_TYPE_COPY_SEND));
    EXPECT(MACH_SEND_INVALID_RIGHT, send_right(port, SELF, MACH_MSG_TYPE_COPY_SEND));
    EXPECT(MACH_SEND_INVALID_RIGHT, send_right(port, new_port(), MACH_MSG_TYPE_COPY_SEND));
    expect_none(port);
    return 0;
}
