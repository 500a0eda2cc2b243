/* ML2: one request by mach_msg_server_once; requests that do not fit; answers that nobody takes. */
#include <pthread.h>
#include "mig_arith.h"

static mach_port_t service;

static void *asks(void *unused)
{
    (void)unused;
    int sum = 0;
    OK(add(service, 20, 22, &sum));
    HOLDS(sum == 42);
    return NULL;
}

int main(void)
{
    pthread_t other;
    service = new_port();
    OK(mach_port_insert_right(SELF, service, service, MACH_MSG_TYPE_MAKE_SEND));
    HOLDS(pthread_create(&other, NULL, asks, NULL) == 0);
    EXPECT(MACH_MSG_SUCCESS, mach_msg_server_once(arith_server, sizeof(arith_t), service, MACH_MSG_OPTION_NONE));
    HOLDS(pthread_join(other, NULL) == 0);

    EXPECT(MACH_RCV_INVALID_NAME, mach_msg_server(arith_server, 512, 0x20000003, MACH_MSG_OPTION_NONE));
    EXPECT(MACH_RCV_TIMED_OUT, mach_msg_server_once(arith_server, 512, service, MACH_RCV_TIMEOUT));

    /* Longer than announced: the room grows if it is asked to. */
    add_request_t request = { .Head = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_remote_port = service,
                                  .msgh_id = 500 },
        .NDR = NDR_record, .a = 1, .b = 2 };
    EXPECT(MACH_MSG_SUCCESS,
        mach_msg(&request.Head, MACH_SEND_MSG, sizeof request, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
    request.Head.msgh_remote_port = service;
    EXPECT(MACH_MSG_SUCCESS, mach_msg_server_once(arith_server, sizeof request, service, MACH_RCV_LARGE));
    char room[4096] = { 0 };
    memcpy(room, &request, sizeof request);
    EXPECT(MACH_MSG_SUCCESS,
        mach_msg((mach_msg_header_t *)room, MACH_SEND_MSG, sizeof room, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
    EXPECT(MACH_MSG_SUCCESS, mach_msg_server_once(arith_server, 512, service, MACH_RCV_LARGE));
    EXPECT(MACH_MSG_SUCCESS,
        mach_msg((mach_msg_header_t *)room, MACH_SEND_MSG, sizeof room, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
    EXPECT(MACH_RCV_TOO_LARGE, mach_msg_server_once(arith_server, 512, service, MACH_MSG_OPTION_NONE));

    /* An answer to a full queue is given up, and nobody waits. */
    mach_port_t full = new_port();
    OK(mach_port_insert_right(SELF, full, full, MACH_MSG_TYPE_MAKE_SEND));
    for (int round = 0; round < 8; round++) {
        request.Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_COPY_SEND);
        request.Head.msgh_remote_port = service;
        request.Head.msgh_local_port = full;
        EXPECT(MACH_MSG_SUCCESS,
            mach_msg(&request.Head, MACH_SEND_MSG, sizeof request, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
        EXPECT(MACH_MSG_SUCCESS, mach_msg_server_once(arith_server, 512, service, MACH_MSG_OPTION_NONE));
    }
    mach_port_status_t status;
    mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
    OK(mach_port_get_attributes(SELF, full, MACH_PORT_RECEIVE_STATUS, (mach_port_info_t)&status, &count));
    HOLDS(status.mps_msgcount == 5);
    return 0;
}
