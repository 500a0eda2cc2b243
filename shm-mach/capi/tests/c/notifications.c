/* RN1, RN2, NS2, NS3, DN1 to DN4, SP2 to SP4, PD1, PD3, PD4, NT1 to NT6: what the system itself sends. */
#include <servers/bootstrap.h>
#include "messages.h"
#include "processes.h"

typedef union {
    mach_msg_header_t header;
    mach_dead_name_notification_t dead;
    mach_no_senders_notification_t none;
    char room[256];
} notice_t;

static kern_return_t ask(mach_port_t name, mach_msg_id_t id, unsigned sync, mach_port_t notify, mach_port_t *before)
{
    return mach_port_request_notification(SELF, name, id, sync, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, before);
}

static notice_t next(mach_port_t from, mach_msg_id_t id, mach_msg_size_t size)
{
    notice_t got;
    EXPECT(MACH_MSG_SUCCESS, mach_msg(&got.header, MACH_RCV_MSG | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER), 0,
                                 sizeof got, from, 0, MACH_PORT_NULL));
    HOLDS(got.header.msgh_id == id && got.header.msgh_size == size);
    HOLDS(got.header.msgh_bits == MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
    HOLDS(got.header.msgh_remote_port == MACH_PORT_NULL && got.header.msgh_local_port == from);
    security_token_t *sender = (security_token_t *)((char *)&got + size + 12);
    HOLDS(sender->val[0] == 0 && sender->val[1] == 1);
    return got;
}

static void refusals(mach_port_t port, mach_port_t notify)
{
    mach_port_t before = 42, dead = new_dead_name(), set = new_right(MACH_PORT_RIGHT_PORT_SET);
    EXPECT(KERN_INVALID_VALUE, ask(port, 65, 0, notify, &before));
    EXPECT(KERN_INVALID_VALUE, ask(port, 71, 0, notify, &before));
    EXPECT(KERN_INVALID_VALUE, ask(port, 1000, 0, notify, &before));
    for (int at = 0; at < 3; at++)
        next(notify, MACH_NOTIFY_SEND_ONCE, 24); /* the right to tell was not used */
    EXPECT(KERN_INVALID_CAPABILITY, ask(port, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_DEAD, &before));
    EXPECT(KERN_INVALID_NAME, ask(port, MACH_NOTIFY_DEAD_NAME, 0, 0x20000003, &before));
    EXPECT(KERN_INVALID_RIGHT, ask(port, MACH_NOTIFY_DEAD_NAME, 0, set, &before));
    EXPECT(KERN_INVALID_ARGUMENT, ask(MACH_PORT_NULL, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL, &before));
    EXPECT(KERN_INVALID_RIGHT, ask(MACH_PORT_NULL, MACH_NOTIFY_NO_SENDERS, 0, MACH_PORT_NULL, &before));
    EXPECT(KERN_INVALID_NAME, ask(0x20000003, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL, &before));
    EXPECT(KERN_INVALID_RIGHT, ask(set, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL, &before));
    EXPECT(KERN_INVALID_RIGHT, ask(dead, MACH_NOTIFY_NO_SENDERS, 0, MACH_PORT_NULL, &before));
    EXPECT(KERN_INVALID_ARGUMENT, ask(dead, MACH_NOTIFY_DEAD_NAME, 1, notify, &before));
    next(notify, MACH_NOTIFY_SEND_ONCE, 24);
    EXPECT(MIG_BAD_ARGUMENTS, mach_port_request_notification(SELF, port, MACH_NOTIFY_DEAD_NAME, 0, notify,
                                  MACH_MSG_TYPE_MAKE_SEND, &before));
    HOLDS(before == 42);
}

static void no_senders(mach_port_t notify)
{
    mach_port_t port = new_port(), before = 42;
    /* Nobody has a right now. */
    OK(ask(port, MACH_NOTIFY_NO_SENDERS, 0, notify, &before));
    HOLDS(before == MACH_PORT_NULL);
    HOLDS(next(notify, MACH_NOTIFY_NO_SENDERS, 36).none.not_count == 0);
    /* Of the next one. */
    OK(ask(port, MACH_NOTIFY_NO_SENDERS, 1, notify, &before));
    expect_none(notify);
    OK(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND));
    expect_none(notify);
    OK(mach_port_deallocate(SELF, port));
    HOLDS(next(notify, MACH_NOTIFY_NO_SENDERS, 36).none.not_count == 1);
    /* A request that is replaced comes back, and so does one that is taken back. */
    OK(ask(port, MACH_NOTIFY_NO_SENDERS, 2, notify, &before));
    OK(ask(port, MACH_NOTIFY_NO_SENDERS, 2, notify, &before));
    HOLDS(type_of(before) == MACH_PORT_TYPE_SEND_ONCE);
    OK(mach_port_deallocate(SELF, before));
    next(notify, MACH_NOTIFY_SEND_ONCE, 24);
    OK(ask(port, MACH_NOTIFY_NO_SENDERS, 2, MACH_PORT_NULL, &before));
    HOLDS(type_of(before) == MACH_PORT_TYPE_SEND_ONCE);
    OK(mach_port_deallocate(SELF, before));
    next(notify, MACH_NOTIFY_SEND_ONCE, 24);
    OK(mach_port_destroy(SELF, port));
}

static void dead_names(mach_port_t notify)
{
    mach_port_t port = new_port_with_right(), before = 42;
    OK(ask(port, MACH_NOTIFY_DEAD_NAME, 0, notify, &before));
    HOLDS(before == MACH_PORT_NULL && (type_of(port) & MACH_PORT_TYPE_DNREQUEST));
    OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
    HOLDS(next(notify, MACH_NOTIFY_DEAD_NAME, 36).dead.not_port == port);
    HOLDS(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME) == 2);

    port = new_port();
    OK(ask(port, MACH_NOTIFY_DEAD_NAME, 0, notify, &before));
    OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
    HOLDS(next(notify, MACH_NOTIFY_PORT_DELETED, 36).dead.not_port == port);
}

/* SP2, SP3, SP4: room in a queue. */
static void send_possible(mach_port_t notify)
{
    mach_port_t port = new_port_with_right(), before = 42;
    OK(ask(port, MACH_NOTIFY_SEND_POSSIBLE, 1, notify, &before));
    HOLDS(before == MACH_PORT_NULL && next(notify, MACH_NOTIFY_SEND_POSSIBLE, 36).dead.not_port == port);
    OK(ask(port, MACH_NOTIFY_SEND_POSSIBLE, 0, notify, &before));
    for (int number = 0; number < 5; number++)
        EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, number));
    expect_number(port, 0);
    expect_none(notify);
    EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 5));
    simple_t message = { .header = { .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = port } };
    EXPECT(MACH_SEND_TIMED_OUT, mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY,
                                    sizeof message, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
    mach_msg_destroy(&message.header);
    expect_number(port, 1);
    HOLDS(next(notify, MACH_NOTIFY_SEND_POSSIBLE, 36).dead.not_port == port);
    OK(mach_port_destroy(SELF, port));
}

/* Of a port in another process, which ends; by a right that is moved. */
static void of_a_process(mach_port_t notify)
{
    int ready[2], over[2];
    HOLDS(pipe(ready) == 0 && pipe(over) == 0);
    pid_t child = forked();
    if (child == 0) {
        mach_port_t port;
        OK(bootstrap_check_in(bootstrap_port, "test.mortal", &port));
        tell(ready[1]);
        hear(over[0]);
        exit(0);
    }
    hear(ready[0]);
    mach_port_t port, once, before;
    mach_msg_type_name_t type;
    OK(bootstrap_look_up(bootstrap_port, "test.mortal", &port));
    OK(mach_port_extract_right(SELF, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
    OK(mach_port_request_notification(SELF, port, MACH_NOTIFY_DEAD_NAME, 0, once, MACH_MSG_TYPE_MOVE_SEND_ONCE,
        &before));
    mach_port_type_t gone;
    EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, once, &gone));
    tell(over[1]);
    finished(child);
    HOLDS(next(notify, MACH_NOTIFY_DEAD_NAME, 36).dead.not_port == port);
    HOLDS(type_of(port) == MACH_PORT_TYPE_DEAD_NAME && refs_of(port, MACH_PORT_RIGHT_DEAD_NAME) == 2);
}

static void port_destroyed(mach_port_t notify)
{
    mach_port_t port = new_port_with_right(), before = 42;
    OK(ask(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify, &before));
    HOLDS(before == MACH_PORT_NULL);
    EXPECT(KERN_INVALID_VALUE, ask(port, MACH_NOTIFY_PORT_DESTROYED, 1, MACH_PORT_NULL, &before));
    EXPECT(KERN_FAILURE, ask(port, MACH_NOTIFY_PORT_DESTROYED, 0, MACH_PORT_NULL, &before));
    EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 7));
    OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
    HOLDS(type_of(port) == MACH_PORT_TYPE_SEND);
    struct {
        mach_port_destroyed_notification_t notice;
        mach_msg_max_trailer_t room;
    } got;
    EXPECT(MACH_MSG_SUCCESS, mach_msg(&got.notice.not_header, MACH_RCV_MSG, 0, sizeof got, notify, 0, MACH_PORT_NULL));
    HOLDS(got.notice.not_header.msgh_id == MACH_NOTIFY_PORT_DESTROYED && got.notice.not_header.msgh_size == 40);
    HOLDS(MACH_MSGH_BITS_IS_COMPLEX(got.notice.not_header.msgh_bits));
    HOLDS(got.notice.not_body.msgh_descriptor_count == 1);
    HOLDS(got.notice.not_port.disposition == MACH_MSG_TYPE_PORT_RECEIVE && got.notice.not_port.name == port);
    HOLDS(type_of(port) == MACH_PORT_TYPE_SEND_RECEIVE);
    expect_number(port, 7);
}

int main(void)
{
    mach_port_t notify = new_port();
    port_destroyed(notify);
    refusals(new_port(), notify);
    no_senders(notify);
    dead_names(notify);
    send_possible(notify);
    of_a_process(notify);
    expect_none(notify);
    return 0;
}
