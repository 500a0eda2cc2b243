/* An interface as a generator lays it out (MU1, MS1 to MS3): routines of subsystem `arith`, base 500.
 *
 *   500 add    in two numbers, out their sum
 *   501 greet  in a string of at most 32 bytes, out its length
 *   502        nothing
 *   503 note   a number, without an answer
 *   504 give   in a send right, out a copy of it
 */
#ifndef MIG_ARITH_H
#define MIG_ARITH_H

#include <string.h>
#include "check.h"

#pragma pack(push, 4)
typedef struct {
    mach_msg_header_t Head;
    NDR_record_t NDR;
    int a, b;
} add_request_t;

typedef struct {
    mach_msg_header_t Head;
    NDR_record_t NDR;
    kern_return_t RetCode;
    int sum;
} add_reply_t;

typedef struct {
    mach_msg_header_t Head;
    NDR_record_t NDR;
    mach_msg_type_number_t nameOffset;
    mach_msg_type_number_t nameCnt;
    char name[32];
} greet_request_t;

typedef struct {
    mach_msg_header_t Head;
    NDR_record_t NDR;
    int number;
} note_request_t;

typedef struct {
    mach_msg_header_t Head;
    mach_msg_body_t msgh_body;
    mach_msg_port_descriptor_t right;
} give_message_t;
#pragma pack(pop)

typedef union {
    mach_msg_header_t Head;
    add_request_t add;
    add_reply_t added;
    greet_request_t greet;
    give_message_t give;
    mig_reply_error_t error;
    char room[512];
} arith_t;

/* One request and its reply, as a user stub does it (MU2 to MU4). */
static inline kern_return_t arith_call(arith_t *message, mach_port_t server, mach_msg_size_t size, int id, int is_complex,
    mach_msg_size_t reply_size)
{
    message->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    if (is_complex)
        message->Head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
    message->Head.msgh_remote_port = server;
    message->Head.msgh_local_port = mig_get_reply_port();
    message->Head.msgh_id = id;
    mach_msg_return_t result = mach_msg(&message->Head, MACH_SEND_MSG | MACH_RCV_MSG, size, sizeof *message,
        message->Head.msgh_local_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
    if (result != MACH_MSG_SUCCESS) {
        if (result == MACH_SEND_INVALID_DEST || result == MACH_SEND_INVALID_DATA || result == MACH_SEND_INVALID_HEADER)
            mig_put_reply_port(message->Head.msgh_local_port);
        else
            mig_dealloc_reply_port(message->Head.msgh_local_port);
        return result;
    }
    mig_put_reply_port(message->Head.msgh_local_port);
    if (message->Head.msgh_id != id + 100) {
        if (message->Head.msgh_id == MACH_NOTIFY_SEND_ONCE)
            return MIG_SERVER_DIED;
        mach_msg_destroy(&message->Head);
        return MIG_REPLY_MISMATCH;
    }
    if (!(message->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX) && message->Head.msgh_size == sizeof(mig_reply_error_t) &&
        message->error.RetCode != KERN_SUCCESS)
        return message->error.RetCode;
    if (message->Head.msgh_remote_port != MACH_PORT_NULL || message->Head.msgh_size != reply_size) {
        mach_msg_destroy(&message->Head);
        return MIG_TYPE_ERROR;
    }
    return KERN_SUCCESS;
}

static inline kern_return_t add(mach_port_t server, int a, int b, int *sum)
{
    arith_t message = { .add = { .NDR = NDR_record, .a = a, .b = b } };
    kern_return_t result = arith_call(&message, server, sizeof(add_request_t), 500, 0, sizeof(add_reply_t));
    if (result == KERN_SUCCESS)
        *sum = message.added.sum;
    return result;
}

static inline kern_return_t greet(mach_port_t server, const char *name, int *length)
{
    arith_t message = { .greet = { .NDR = NDR_record } };
    message.greet.nameCnt = (mach_msg_type_number_t)mig_strncpy(message.greet.name, name, 32);
    mach_msg_size_t size = (mach_msg_size_t)(sizeof(greet_request_t) - 32) + ((message.greet.nameCnt + 3) & ~3u);
    kern_return_t result = arith_call(&message, server, size, 501, 0, sizeof(add_reply_t));
    if (result == KERN_SUCCESS)
        *length = message.added.sum;
    return result;
}

static inline kern_return_t note(mach_port_t server, int number)
{
    note_request_t message = { .NDR = NDR_record, .number = number };
    message.Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
    message.Head.msgh_remote_port = server;
    message.Head.msgh_id = 503;
    return mach_msg(&message.Head, MACH_SEND_MSG, sizeof message, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

static inline kern_return_t give(mach_port_t server, mach_port_t right, mach_port_t *back)
{
    arith_t message = { .give = { .msgh_body = { 1 } } };
    message.give.right.name = right;
    message.give.right.disposition = MACH_MSG_TYPE_COPY_SEND;
    message.give.right.type = MACH_MSG_PORT_DESCRIPTOR;
    kern_return_t result = arith_call(&message, server, sizeof(give_message_t), 504, 1, sizeof(give_message_t));
    if (result == KERN_SUCCESS)
        *back = message.give.right.name;
    return result;
}

/* The server's side. */
static int noted;

static void stub_add(mach_msg_header_t *in, mach_msg_header_t *out)
{
    add_request_t *request = (add_request_t *)in;
    add_reply_t *reply = (add_reply_t *)out;
    if (in->msgh_size != sizeof *request) {
        reply->RetCode = MIG_BAD_ARGUMENTS;
        return;
    }
    reply->RetCode = request->b == 13 ? KERN_NO_ACCESS : KERN_SUCCESS;
    reply->NDR = NDR_record;
    reply->sum = request->a + request->b;
    if (reply->RetCode == KERN_SUCCESS)
        out->msgh_size = sizeof *reply;
}

static void stub_greet(mach_msg_header_t *in, mach_msg_header_t *out)
{
    greet_request_t *request = (greet_request_t *)in;
    add_reply_t *reply = (add_reply_t *)out;
    if (in->msgh_size < sizeof *request - 32 || request->nameCnt > 32 ||
        memchr(request->name, 0, request->nameCnt) == NULL) {
        reply->RetCode = MIG_BAD_ARGUMENTS;
        return;
    }
    reply->RetCode = KERN_SUCCESS;
    reply->NDR = NDR_record;
    reply->sum = (int)strlen(request->name);
    out->msgh_size = sizeof *reply;
}

static void stub_note(mach_msg_header_t *in, mach_msg_header_t *out)
{
    noted += ((note_request_t *)in)->number;
    ((mig_reply_error_t *)out)->RetCode = MIG_NO_REPLY;
}

static void stub_give(mach_msg_header_t *in, mach_msg_header_t *out)
{
    give_message_t *request = (give_message_t *)in, *reply = (give_message_t *)out;
    if (!(in->msgh_bits & MACH_MSGH_BITS_COMPLEX) || request->msgh_body.msgh_descriptor_count != 1) {
        ((mig_reply_error_t *)out)->RetCode = MIG_BAD_ARGUMENTS;
        return;
    }
    out->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
    out->msgh_size = sizeof *reply;
    reply->msgh_body.msgh_descriptor_count = 1;
    reply->right.name = request->right.name;
    reply->right.disposition = MACH_MSG_TYPE_MOVE_SEND;
    reply->right.type = MACH_MSG_PORT_DESCRIPTOR;
}

static mig_routine_t arith_server_routine(mach_msg_header_t *in);

static const struct {
    mig_server_routine_t server;
    mach_msg_id_t start;
    mach_msg_id_t end;
    mach_msg_size_t maxsize;
    vm_address_t reserved;
    struct routine_descriptor routine[5];
} arith_subsystem = {
    arith_server_routine,
    500,
    505,
    sizeof(arith_t),
    0,
    {
        { 0, stub_add, 4, 0, MIG_ROUTINE_ARG_DESCRIPTOR_NULL, sizeof(add_reply_t) },
        { 0, stub_greet, 4, 0, MIG_ROUTINE_ARG_DESCRIPTOR_NULL, sizeof(add_reply_t) },
        { 0, 0, 0, 0, MIG_ROUTINE_ARG_DESCRIPTOR_NULL, 0 },
        { 0, stub_note, 2, 0, MIG_ROUTINE_ARG_DESCRIPTOR_NULL, sizeof(mig_reply_error_t) },
        { 0, stub_give, 3, 1, MIG_ROUTINE_ARG_DESCRIPTOR_NULL, sizeof(give_message_t) },
    },
};

static mig_routine_t arith_server_routine(mach_msg_header_t *in)
{
    int number = in->msgh_id - arith_subsystem.start;
    if (number < 0 || in->msgh_id >= arith_subsystem.end)
        return 0;
    return arith_subsystem.routine[number].stub_routine;
}

static boolean_t arith_server(mach_msg_header_t *in, mach_msg_header_t *out)
{
    out->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(in->msgh_bits), 0);
    out->msgh_remote_port = in->msgh_remote_port;
    out->msgh_size = sizeof(mig_reply_error_t);
    out->msgh_local_port = MACH_PORT_NULL;
    out->msgh_id = in->msgh_id + 100;
    out->msgh_reserved = 0;
    mig_routine_t routine = arith_server_routine(in);
    if (routine == 0) {
        ((mig_reply_error_t *)out)->NDR = NDR_record;
        ((mig_reply_error_t *)out)->RetCode = MIG_BAD_ID;
        return FALSE;
    }
    routine(in, out);
    return TRUE;
}

#endif
