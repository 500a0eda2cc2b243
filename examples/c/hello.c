/* Two processes that find each other by name: one asks, the other answers.
 *
 *     cc hello.c $(pkg-config --cflags --libs shm-mach) -o hello && ./hello
 */
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVICE "example.hello"

/* A message with a line of text; what is received has room for a trailer, too. */
typedef struct {
    mach_msg_header_t header;
    char text[64];
} line_t;

typedef struct {
    line_t line;
    mach_msg_max_trailer_t trailer;
} received_line_t;

static void check(const char *what, kern_return_t code)
{
    if (code != KERN_SUCCESS) {
        mach_error(what, code);
        exit(1);
    }
}

static void serve(mach_port_t service)
{
    received_line_t request = { 0 };
    mach_msg_option_t options = MACH_RCV_MSG | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT);
    check("receive", mach_msg(&request.line.header, options, 0, sizeof request, service, MACH_MSG_TIMEOUT_NONE,
                         MACH_PORT_NULL));
    int is_child = request.trailer.msgh_audit.val[5] != (unsigned)getpid();
    printf("server: \"%s\", from %s process\n", request.line.text, is_child ? "another" : "this");

    /* The right to answer came with the request, and is used up by the answer. */
    line_t answer = { .header = { .msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(request.line.header.msgh_bits), 0),
                          .msgh_remote_port = request.line.header.msgh_remote_port } };
    snprintf(answer.text, sizeof answer.text, "hello yourself");
    check("answer", mach_msg(&answer.header, MACH_SEND_MSG, sizeof answer, 0, MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE,
                        MACH_PORT_NULL));
}

static void ask(void)
{
    mach_port_t service;
    check("look up", bootstrap_look_up(bootstrap_port, SERVICE, &service));
    received_line_t message = { .line = { .header = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
                                                          MACH_MSG_TYPE_MAKE_SEND_ONCE),
                                    .msgh_remote_port = service, .msgh_local_port = mach_reply_port() },
                                    .text = "hello" } };
    check("ask", mach_msg(&message.line.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof message.line, sizeof message,
                     message.line.header.msgh_local_port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
    printf("client: \"%s\"\n", message.line.text);
}

int main(void)
{
    /* The first call makes this process a task. Without a machd the authority is in this process, and its
     * forked children use it. */
    mach_port_t service;
    setvbuf(stdout, NULL, _IOLBF, 0); /* whole lines, as both processes write them */
    check("check in", bootstrap_check_in(bootstrap_port, SERVICE, &service));
    pid_t child = fork();
    if (child == 0) {
        ask();
        return 0;
    }
    serve(service);
    int status = 1;
    waitpid(child, &status, 0);
    return status != 0;
}
