/* One thread that serves several clients, each by a port of its own, through a port set; a client that has
 * gone is noticed, because nobody can send to its port any more.
 *
 *     cc set_server.c $(pkg-config --cflags --libs shm-mach) -o set_server && ./set_server
 */
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVICE "example.counter"
enum { CLIENTS = 3, OPEN = 1, COUNT = 2 };

typedef struct {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_port_descriptor_t port;
} opened_t;

typedef struct {
    mach_msg_header_t header;
    int number;
} count_t;

typedef union {
    mach_msg_header_t header;
    opened_t opened;
    count_t count;
    char room[256];
} message_t;

static void check(const char *what, kern_return_t code)
{
    if (code != KERN_SUCCESS) {
        mach_error(what, code);
        exit(1);
    }
}

static void answer(message_t *reply, mach_msg_header_t *request, mach_msg_size_t size, mach_msg_bits_t more)
{
    reply->header.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(request->msgh_bits), 0) | more;
    reply->header.msgh_remote_port = request->msgh_remote_port;
    check("answer", mach_msg(&reply->header, MACH_SEND_MSG, size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
}

/* A port for one more client, in the set. When its last right is gone, a message says so. */
static mach_port_t open_port(mach_port_t set, mach_port_t notices)
{
    mach_port_t port, before;
    check("allocate", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port));
    check("join", mach_port_insert_member(mach_task_self(), port, set));
    check("request", mach_port_request_notification(mach_task_self(), port, MACH_NOTIFY_NO_SENDERS, 1, notices,
                         MACH_MSG_TYPE_MAKE_SEND_ONCE, &before));
    return port;
}

static void serve(mach_port_t service)
{
    mach_port_t set, notices;
    check("set", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
    check("notices", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &notices));
    check("join", mach_port_insert_member(mach_task_self(), service, set));
    check("join", mach_port_insert_member(mach_task_self(), notices, set));
    int counts = 0, gone = 0;
    while (gone < CLIENTS) {
        message_t got, reply = { 0 };
        check("receive", mach_msg(&got.header, MACH_RCV_MSG, 0, sizeof got, set, 0, MACH_PORT_NULL));
        if (got.header.msgh_local_port == notices) {
            gone++;
        } else if (got.header.msgh_id == OPEN) {
            reply.opened.body.msgh_descriptor_count = 1;
            reply.opened.port.name = open_port(set, notices);
            reply.opened.port.disposition = MACH_MSG_TYPE_MAKE_SEND;
            reply.opened.port.type = MACH_MSG_PORT_DESCRIPTOR;
            answer(&reply, &got.header, sizeof reply.opened, MACH_MSGH_BITS_COMPLEX);
        } else {
            reply.count.number = ++counts;
            answer(&reply, &got.header, sizeof reply.count, 0);
        }
    }
    printf("%d clients counted to %d\n", gone, counts);
}

static void call(message_t *message, mach_port_t to, mach_msg_id_t id)
{
    message->header = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
        .msgh_remote_port = to, .msgh_local_port = mig_get_reply_port(), .msgh_id = id };
    check("call", mach_msg(&message->header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof message->header, sizeof *message,
                      message->header.msgh_local_port, 0, MACH_PORT_NULL));
}

static void count(int times)
{
    mach_port_t service;
    message_t message;
    check("look up", bootstrap_look_up(bootstrap_port, SERVICE, &service));
    call(&message, service, OPEN);
    mach_port_t own = message.opened.port.name;
    while (times-- > 0)
        call(&message, own, COUNT);
    /* Ending gives the right up. */
}

int main(void)
{
    mach_port_t service;
    check("check in", bootstrap_check_in(bootstrap_port, SERVICE, &service));
    for (int client = 0; client < CLIENTS; client++) {
        if (fork() == 0) {
            count(100 * (client + 1));
            return 0;
        }
    }
    serve(service);
    fflush(stdout);
    int worst = 0, status;
    while (wait(&status) > 0)
        worst |= status;
    return worst != 0;
}
