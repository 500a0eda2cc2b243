/* Messages that the programs send. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <string.h>
#include "check.h"

typedef struct {
    mach_msg_header_t header;
    int number;
} simple_t;

/* What arrives, with room for the longest trailer. */
typedef struct {
    mach_msg_header_t header;
    int number;
    mach_msg_max_trailer_t trailer;
} received_t;

typedef struct {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_port_descriptor_t right;
    int number;
} with_right_t;

typedef struct {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_port_descriptor_t right;
    int number;
    mach_msg_max_trailer_t trailer;
} received_right_t;

static inline mach_msg_return_t send_simple(mach_port_t to, mach_msg_type_name_t how, mach_port_t reply,
    mach_msg_type_name_t reply_how, int number)
{
    simple_t message = { .header = { .msgh_bits = MACH_MSGH_BITS(how, reply_how), .msgh_remote_port = to,
                             .msgh_local_port = reply, .msgh_id = 1000 + number, .msgh_size = sizeof message },
        .number = number };
    return mach_msg(&message.header, MACH_SEND_MSG, sizeof message, 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
        MACH_PORT_NULL);
}

static inline mach_msg_return_t receive(received_t *into, mach_port_t from, mach_msg_option_t options,
    mach_msg_timeout_t timeout)
{
    memset(into, 0xee, sizeof *into);
    return mach_msg(&into->header, MACH_RCV_MSG | options, 0, sizeof *into, from, timeout, MACH_PORT_NULL);
}

/* The message with this number arrives. */
static inline void expect_number(mach_port_t from, int number)
{
    received_t got;
    EXPECT(MACH_MSG_SUCCESS, receive(&got, from, 0, 0));
    HOLDS(got.header.msgh_id == 1000 + number && got.number == number);
}

/* There is no message. */
static inline void expect_none(mach_port_t from)
{
    received_t got;
    EXPECT(MACH_RCV_TIMED_OUT, receive(&got, from, MACH_RCV_TIMEOUT, 0));
}

static inline mach_port_t new_port_with_right(void)
{
    mach_port_t port = new_port();
    OK(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND));
    return port;
}

#endif
