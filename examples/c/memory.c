/* A megabyte, and a right to answer as often as one likes, in one message.
 *
 *     cc memory.c $(pkg-config --cflags --libs shm-mach) -o memory && ./memory
 */
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVICE "example.memory"
enum { LENGTH = 1 << 20, PARTS = 4 };

typedef struct {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_ool_descriptor_t memory;
    mach_msg_port_descriptor_t answers;
} work_t;

typedef struct {
    work_t work;
    mach_msg_max_trailer_t trailer;
} received_work_t;

typedef struct {
    mach_msg_header_t header;
    unsigned sum;
} sum_t;

typedef struct {
    sum_t sum;
    mach_msg_max_trailer_t trailer;
} received_sum_t;

static void check(const char *what, kern_return_t code)
{
    if (code != KERN_SUCCESS) {
        mach_error(what, code);
        exit(1);
    }
}

static unsigned sum_of(const unsigned char *bytes, size_t length)
{
    unsigned sum = 0;
    for (size_t at = 0; at < length; at++)
        sum += bytes[at];
    return sum;
}

/* Takes the memory, and answers a part at a time. */
static void work(mach_port_t service)
{
    received_work_t got;
    check("receive", mach_msg(&got.work.header, MACH_RCV_MSG, 0, sizeof got, service, 0, MACH_PORT_NULL));
    unsigned char *bytes = got.work.memory.address;
    size_t part = got.work.memory.size / PARTS;
    for (int at = 0; at < PARTS; at++) {
        sum_t message = { .header = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
                              .msgh_remote_port = got.work.answers.name, .msgh_id = at },
            .sum = sum_of(bytes + (size_t)at * part, part) };
        check("answer", mach_msg(&message.header, MACH_SEND_MSG, sizeof message, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
    }
    /* The memory is this process's own now, and so is the right: both are given up. */
    mach_msg_destroy(&got.work.header);
}

static unsigned send_and_add(void)
{
    mach_port_t service, answers;
    vm_address_t memory = 0;
    check("look up", bootstrap_look_up(bootstrap_port, SERVICE, &service));
    check("allocate", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &answers));
    check("memory", vm_allocate(mach_task_self(), &memory, LENGTH, VM_FLAGS_ANYWHERE));
    for (int at = 0; at < LENGTH; at++)
        ((unsigned char *)memory)[at] = (unsigned char)(at % 251);
    unsigned expected = sum_of((unsigned char *)memory, LENGTH), sum = 0;

    work_t message = { .header = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX,
                           .msgh_remote_port = service },
        .body = { 2 },
        .memory = { .address = (void *)memory, .size = LENGTH, .deallocate = TRUE, .copy = MACH_MSG_VIRTUAL_COPY,
            .type = MACH_MSG_OOL_DESCRIPTOR },
        .answers = { .name = answers, .disposition = MACH_MSG_TYPE_MAKE_SEND, .type = MACH_MSG_PORT_DESCRIPTOR } };
    check("send", mach_msg(&message.header, MACH_SEND_MSG, sizeof message, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
    for (int at = 0; at < PARTS; at++) {
        received_sum_t got;
        check("receive", mach_msg(&got.sum.header, MACH_RCV_MSG, 0, sizeof got, answers, 0, MACH_PORT_NULL));
        sum += got.sum.sum;
    }
    return sum == expected ? sum : 0;
}

int main(void)
{
    mach_port_t service;
    check("check in", bootstrap_check_in(bootstrap_port, SERVICE, &service));
    pid_t child = fork();
    if (child == 0) {
        unsigned sum = send_and_add();
        printf("%d bytes sent, their sum is %u\n", LENGTH, sum);
        fflush(stdout);
        return sum == 0;
    }
    work(service);
    int status = 1;
    waitpid(child, &status, 0);
    return status != 0;
}
