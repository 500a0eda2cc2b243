/* MU1 to MU4, MS1 to MS5, ML2: generated code, with a server in another process. */
#include <servers/bootstrap.h>
#include "mig_arith.h"
#include "processes.h"

static mach_port_t service;

static boolean_t demux(mach_msg_header_t *in, mach_msg_header_t *out)
{
    if (in->msgh_id == 999)
        exit(noted == 42 ? 0 : 1);
    return arith_server(in, out);
}

static void serve(int ready)
{
    OK(bootstrap_check_in(bootstrap_port, "test.arith", &service));
    tell(ready);
    EXPECT(0, mach_msg_server(demux, arith_subsystem.maxsize, service, MACH_MSG_OPTION_NONE));
}

int main(void)
{
    int ready[2];
    HOLDS(pipe(ready) == 0);
    new_port(); /* the authority is in this process */
    pid_t child = forked();
    if (child == 0)
        serve(ready[1]);
    hear(ready[0]);
    OK(bootstrap_look_up(bootstrap_port, "test.arith", &service));

    int sum = 0, length = 0;
    for (int round = 0; round < 100; round++) {
        OK(add(service, round, 2 * round, &sum));
        HOLDS(sum == 3 * round);
    }
    OK(greet(service, "world", &length));
    HOLDS(length == 5);
    OK(greet(service, "a string that is longer than the thirty-two bytes it may have", &length));
    HOLDS(length == 31);
    OK(note(service, 40));
    OK(note(service, 2));
    EXPECT(KERN_NO_ACCESS, add(service, 1, 13, &sum));

    /* No such routine; a request of a wrong size. */
    arith_t message = { .add = { .NDR = NDR_record } };
    EXPECT(MIG_BAD_ID, arith_call(&message, service, sizeof(add_request_t), 502, 0, sizeof(add_reply_t)));
    EXPECT(MIG_BAD_ID, arith_call(&message, service, sizeof(add_request_t), 600, 0, sizeof(add_reply_t)));
    EXPECT(MIG_BAD_ARGUMENTS, arith_call(&message, service, sizeof(add_request_t) - 4, 500, 0, sizeof(add_reply_t)));
    EXPECT(MIG_TYPE_ERROR, arith_call(&message, service, sizeof(add_request_t), 500, 0, 100));

    /* A right there and back; one in a request that nobody takes is given up by the server. */
    mach_port_t port = new_port(), back = MACH_PORT_NULL;
    OK(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND));
    OK(give(service, port, &back));
    HOLDS(back == port && refs_of(port, MACH_PORT_RIGHT_SEND) == 2);
    OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_SEND, -2));
    mach_port_t notify = new_port(), before;
    OK(mach_port_request_notification(SELF, port, MACH_NOTIFY_NO_SENDERS, 2, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE,
        &before));
    arith_t with_right = { .give = { .msgh_body = { 1 } } };
    with_right.give.right.name = port;
    with_right.give.right.disposition = MACH_MSG_TYPE_MAKE_SEND;
    EXPECT(MIG_BAD_ID, arith_call(&with_right, service, sizeof(give_message_t), 502, 1, 0));
    mach_no_senders_notification_t notice;
    EXPECT(MACH_MSG_SUCCESS,
        mach_msg(&notice.not_header, MACH_RCV_MSG, 0, sizeof notice, notify, 0, MACH_PORT_NULL));
    HOLDS(notice.not_header.msgh_id == MACH_NOTIFY_NO_SENDERS && notice.not_count == 2);

    /* A server that dies while it is asked. */
    EXPECT(MIG_SERVER_DIED, arith_call(&message, service, sizeof(add_request_t), 999, 0, sizeof(add_reply_t)));
    finished(child);
    EXPECT(MACH_SEND_INVALID_DEST, add(service, 1, 2, &sum));
    HOLDS(type_of(service) == MACH_PORT_TYPE_DEAD_NAME);
    return 0;
}
