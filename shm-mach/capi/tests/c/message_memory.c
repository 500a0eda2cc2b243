/* B3 to B7: memory and arrays of rights out of line. */
#include "messages.h"

typedef struct {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_ool_descriptor_t memory;
    mach_msg_ool_ports_descriptor_t rights;
} outline_t;

typedef struct {
    outline_t message;
    mach_msg_max_trailer_t trailer;
} received_outline_t;

static outline_t outline(mach_port_t to, void *memory, mach_msg_size_t size, mach_port_t *rights, mach_msg_size_t count)
{
    return (outline_t){
        .header = { .msgh_bits = MACH_MSG_TYPE_COPY_SEND | MACH_MSGH_BITS_COMPLEX, .msgh_remote_port = to },
        .body = { 2 },
        .memory = { .address = memory, .size = size, .copy = MACH_MSG_VIRTUAL_COPY, .type = MACH_MSG_OOL_DESCRIPTOR },
        .rights = { .address = rights, .count = count, .disposition = MACH_MSG_TYPE_MAKE_SEND,
            .type = MACH_MSG_OOL_PORTS_DESCRIPTOR },
    };
}

static mach_msg_return_t sent(outline_t *message)
{
    return mach_msg(&message->header, MACH_SEND_MSG, sizeof *message, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

int main(void)
{
    enum { LENGTH = 300000 };
    mach_port_t port = new_port_with_right(), rights[3] = { new_port(), MACH_PORT_NULL, new_port() };
    vm_address_t memory = 0;
    OK(vm_allocate(SELF, &memory, LENGTH, VM_FLAGS_ANYWHERE));
    for (int at = 0; at < LENGTH; at++)
        ((char *)memory)[at] = (char)(at * 13);

    outline_t message = outline(port, (void *)memory, LENGTH, rights, 3);
    EXPECT(MACH_MSG_SUCCESS, sent(&message));
    /* The receiver sees what was there. */
    *(char *)memory = 99;
    received_outline_t got;
    EXPECT(MACH_MSG_SUCCESS, mach_msg(&got.message.header, MACH_RCV_MSG, 0, sizeof got, port, 0, MACH_PORT_NULL));
    HOLDS(got.message.header.msgh_size == sizeof(outline_t) && got.message.body.msgh_descriptor_count == 2);
    HOLDS(got.message.memory.type == MACH_MSG_OOL_DESCRIPTOR && got.message.memory.size == LENGTH);
    HOLDS(got.message.memory.deallocate && got.message.memory.copy == MACH_MSG_VIRTUAL_COPY);
    char *arrived = got.message.memory.address;
    HOLDS(arrived != (char *)memory && arrived[0] == 0);
    for (int at = 0; at < LENGTH; at++)
        HOLDS(arrived[at] == (char)(at * 13));
    arrived[1] = 42;
    HOLDS(got.message.rights.type == MACH_MSG_OOL_PORTS_DESCRIPTOR && got.message.rights.count == 3);
    HOLDS(got.message.rights.disposition == MACH_MSG_TYPE_PORT_SEND && got.message.rights.deallocate);
    mach_port_t *names = got.message.rights.address;
    HOLDS(names[0] == rights[0] && names[1] == MACH_PORT_NULL && names[2] == rights[2]);
    HOLDS(type_of(rights[0]) == MACH_PORT_TYPE_SEND_RECEIVE);

    /* Given up: memory, rights, and the array. */
    mach_msg_destroy(&got.message.header);
    HOLDS(type_of(rights[0]) == MACH_PORT_TYPE_RECEIVE && type_of(rights[2]) == MACH_PORT_TYPE_RECEIVE);
    char byte;
    vm_size_t done;
    EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, (vm_address_t)arrived, 1, (vm_address_t)&byte, &done));
    EXPECT(KERN_INVALID_ADDRESS, vm_read_overwrite(SELF, (vm_address_t)names, 1, (vm_address_t)&byte, &done));

    /* Nothing is nowhere. */
    message = outline(port, (void *)8, 0, (void *)8, 0);
    EXPECT(MACH_MSG_SUCCESS, sent(&message));
    EXPECT(MACH_MSG_SUCCESS, mach_msg(&got.message.header, MACH_RCV_MSG, 0, sizeof got, port, 0, MACH_PORT_NULL));
    HOLDS(got.message.memory.address == NULL && got.message.rights.address == NULL);

    /* What cannot be read. */
    message = outline(port, (void *)8, 8, rights, 0);
    EXPECT(MACH_SEND_INVALID_MEMORY, sent(&message));
    message = outline(port, (void *)memory, 8, (void *)8, 8);
    EXPECT(MACH_SEND_INVALID_MEMORY, sent(&message));
    message = outline(port, (void *)memory, 8, rights, 0);
    message.memory.type = 9;
    EXPECT(MACH_SEND_INVALID_TYPE, sent(&message));
    message = outline(port, (void *)memory, 8, rights, 0);
    message.memory.copy = 7;
    EXPECT(MACH_SEND_INVALID_TYPE, sent(&message));

    /* Sent and given away. */
    message = outline(port, (void *)memory, LENGTH, rights, 0);
    message.memory.deallocate = TRUE;
    EXPECT(MACH_MSG_SUCCESS, sent(&message));
    /* It is gone; something else may lie there by now. */
    kern_return_t there = vm_read_overwrite(SELF, memory, 1, (vm_address_t)&byte, &done);
    HOLDS(there == KERN_INVALID_ADDRESS || byte != 99);
    EXPECT(MACH_MSG_SUCCESS, mach_msg(&got.message.header, MACH_RCV_MSG, 0, sizeof got, port, 0, MACH_PORT_NULL));
    HOLDS(*(char *)got.message.memory.address == 99);
    mach_msg_destroy(&got.message.header);
    return 0;
}
