/* V12: requests and answers between two processes, in one call each. */
#include <servers/bootstrap.h>
#include "messages.h"
#include "processes.h"

enum { ROUNDS = 2000 };

static void serve(mach_port_t port)
{
    received_t got;
    EXPECT(MACH_MSG_SUCCESS, receive(&got, port, 0, 0));
    for (int round = 1; round < ROUNDS; round++) {
        /* The answer out, and the next request in. */
        got.header.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(got.header.msgh_bits), 0);
        got.header.msgh_local_port = MACH_PORT_NULL;
        got.number++;
        EXPECT(MACH_MSG_SUCCESS, mach_msg(&got.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof(simple_t), sizeof got,
                                     port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
    }
    EXPECT(MACH_MSG_SUCCESS,
        send_simple(got.header.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_PORT_NULL, 0, got.number + 1));
}

int main(void)
{
    mach_port_t port, reply = mach_reply_port();
    OK(bootstrap_check_in(bootstrap_port, "test.rpc", &port));
    pid_t child = forked();
    if (child != 0) {
        serve(port);
        finished(child);
        return 0;
    }
    reply = mach_reply_port();
    OK(bootstrap_look_up(bootstrap_port, "test.rpc", &port));
    received_t got;
    for (int round = 0; round < ROUNDS; round++) {
        memset(&got, 0, sizeof got);
        got.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
        got.header.msgh_remote_port = port;
        got.header.msgh_local_port = reply;
        got.number = round;
        mach_msg_option_t options = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT);
        EXPECT(MACH_MSG_SUCCESS,
            mach_msg(&got.header, options, sizeof(simple_t), sizeof got, reply, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
        HOLDS(got.number == round + 1 && got.header.msgh_local_port == reply);
        HOLDS(got.header.msgh_remote_port == MACH_PORT_NULL);
        /* Who answered is attested. */
        HOLDS(got.trailer.msgh_trailer_size == sizeof(mach_msg_audit_trailer_t));
        HOLDS(got.trailer.msgh_sender.val[0] == geteuid() && got.trailer.msgh_audit.val[5] == (unsigned)getppid());
    }
    /* The rights to answer are all gone. */
    mach_port_status_t status;
    mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
    OK(mach_port_get_attributes(SELF, reply, MACH_PORT_RECEIVE_STATUS, (mach_port_info_t)&status, &count));
    HOLDS(status.mps_sorights == 0 && status.mps_seqno == ROUNDS);
    return 0;
}
