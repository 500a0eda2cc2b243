/* X1 to X5: the header in arguments, and buffers in a list. */
#include "messages.h"

typedef struct {
    mach_msg_aux_header_t header;
    char text[24];
} aux_t;

static mach_msg_header_t header_to(mach_port_t port, mach_msg_id_t id)
{
    return (mach_msg_header_t){ .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = port, .msgh_id = id };
}

int main(void)
{
    mach_port_t port = new_port_with_right();
    received_t got;
    simple_t message = { .number = 1 };
    memset(&message.header, 0xdd, sizeof message.header); /* it is not looked at */

    EXPECT(MACH_SEND_INVALID_OPTIONS,
        mach_msg2(&message, MACH64_SEND_MSG, header_to(port, 1001), sizeof message, 0, MACH_PORT_NULL, 0, 0));
    EXPECT(MACH_SEND_INVALID_OPTIONS, mach_msg2(&message, MACH64_SEND_MSG | MACH64_SEND_KOBJECT_CALL,
                                          header_to(port, 1001), sizeof message, 0, MACH_PORT_NULL, 0, 0));
    EXPECT(MACH_MSG_SUCCESS, mach_msg2(&message, MACH64_SEND_MSG | MACH64_SEND_MQ_CALL, header_to(port, 1001),
                                 sizeof message, 0, MACH_PORT_NULL, 0, 0));
    expect_number(port, 1); /* by the older call */
    EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 2));
    mach_msg_header_t none = { 0 };
    EXPECT(MACH_MSG_SUCCESS, mach_msg2(&got, MACH64_RCV_MSG, none, 0, sizeof got, port, 0, 0));
    HOLDS(got.number == 2 && got.header.msgh_id == 1002);

    /* Beside the message some auxiliary data. */
    aux_t aux = { { sizeof aux, 0 }, "on the side" }, got_aux;
    mach_msg_vector_t out[2] = { { (mach_vm_address_t)&message, 0, sizeof message, 0 },
        { (mach_vm_address_t)&aux, 0, sizeof aux, 0 } };
    mach_msg_vector_t in[2] = { { (mach_vm_address_t)&got, 0, 0, sizeof got },
        { (mach_vm_address_t)&got_aux, 0, 0, sizeof got_aux } };
    EXPECT(MACH_MSG_SUCCESS, mach_msg2(out, MACH64_SEND_MSG | MACH64_SEND_ANY | MACH64_MSG_VECTOR,
                                 header_to(port, 1003), 2, 0, MACH_PORT_NULL, 0, 0));
    EXPECT(MACH_MSG_SUCCESS, mach_msg2(in, MACH64_RCV_MSG | MACH64_MSG_VECTOR, none, 0, 2, port, 0, 0));
    HOLDS(got.header.msgh_id == 1003 && got.number == 1);
    HOLDS(got_aux.header.msgdh_size == sizeof aux && strcmp(got_aux.text, "on the side") == 0);

    /* To whom does not look for it, it is not there; where there is none, its size is 0. */
    EXPECT(MACH_MSG_SUCCESS, mach_msg2(out, MACH64_SEND_MSG | MACH64_SEND_ANY | MACH64_MSG_VECTOR,
                                 header_to(port, 1001), 2, 0, MACH_PORT_NULL, 0, 0));
    expect_number(port, 1);
    EXPECT(MACH_MSG_SUCCESS, send_simple(port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 4));
    EXPECT(MACH_MSG_SUCCESS, mach_msg2(in, MACH64_RCV_MSG | MACH64_MSG_VECTOR, none, 0, 2, port, 0, 0));
    HOLDS(got.number == 4 && got_aux.header.msgdh_size == 0);

    EXPECT(MACH_SEND_MSG_TOO_SMALL, mach_msg2(out, MACH64_SEND_MSG | MACH64_SEND_ANY | MACH64_MSG_VECTOR,
                                        header_to(port, 1), 0, 0, MACH_PORT_NULL, 0, 0));
    EXPECT(MACH_SEND_INVALID_DATA, mach_msg2(out, MACH64_SEND_MSG | MACH64_SEND_ANY | MACH64_MSG_VECTOR,
                                       header_to(port, 1), 3, 0, MACH_PORT_NULL, 0, 0));
    out[1].msgv_send_size = 4;
    EXPECT(MACH_SEND_AUX_TOO_SMALL, mach_msg2(out, MACH64_SEND_MSG | MACH64_SEND_ANY | MACH64_MSG_VECTOR,
                                        header_to(port, 1), 2, 0, MACH_PORT_NULL, 0, 0));
    out[1].msgv_send_size = 1028;
    EXPECT(MACH_SEND_AUX_TOO_LARGE, mach_msg2(out, MACH64_SEND_MSG | MACH64_SEND_ANY | MACH64_MSG_VECTOR,
                                        header_to(port, 1), 2, 0, MACH_PORT_NULL, 0, 0));
    expect_none(port);
    return 0;
}
