/* F24, F25, K1 to K3: ports made to order, and taken down. */
#include "check.h"

static mach_port_t made(uint32_t flags, mach_port_context_t context)
{
    mach_port_options_t options = { .flags = flags, .mpl = { 33 } };
    mach_port_t port = MACH_PORT_NULL;
    OK(mach_port_construct(SELF, &options, context, &port));
    return port;
}

int main(void)
{
    mach_port_context_t context = 42;
    mach_port_t port = made(0, 7);
    HOLDS(type_of(port) == MACH_PORT_TYPE_RECEIVE);
    OK(mach_port_get_context(SELF, port, &context));
    HOLDS(context == 7);
    OK(mach_port_destruct(SELF, port, 0, 99));

    port = made(MPO_QLIMIT | MPO_INSERT_SEND_RIGHT | MPO_CONTEXT_AS_GUARD, 8);
    HOLDS(type_of(port) == MACH_PORT_TYPE_SEND_RECEIVE && refs_of(port, MACH_PORT_RIGHT_SEND) == 1);
    mach_port_limits_t limits = { 0 };
    mach_msg_type_number_t count = 1;
    OK(mach_port_get_attributes(SELF, port, MACH_PORT_LIMITS_INFO, (mach_port_info_t)&limits, &count));
    HOLDS(limits.mpl_qlimit == 33);
    EXPECT(KERN_INVALID_VALUE, mach_port_destruct(SELF, port, 1, 8));
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_destruct(SELF, port, 0, 9));
    EXPECT(KERN_INVALID_VALUE, mach_port_destruct(SELF, port, -2, 8));
    OK(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_COPY_SEND));
    OK(mach_port_destruct(SELF, port, -1, 8));
    HOLDS(type_of(port) == MACH_PORT_TYPE_DEAD_NAME && refs_of(port, MACH_PORT_RIGHT_DEAD_NAME) == 1);

    EXPECT(KERN_INVALID_NAME, mach_port_destruct(SELF, MACH_PORT_NULL, 0, 0));
    EXPECT(KERN_INVALID_RIGHT, mach_port_destruct(SELF, port, 0, 0));
    EXPECT(KERN_INVALID_RIGHT, mach_port_destruct(SELF, made(0, 0), -1, 0));

    mach_port_options_t options = { .flags = MPO_QLIMIT, .mpl = { 1025 } };
    EXPECT(KERN_INVALID_VALUE, mach_port_construct(SELF, &options, 0, &port));
    options.flags = MPO_REPLY_PORT | MPO_EXCEPTION_PORT;
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_construct(SELF, &options, 0, &port));
    options.flags = MPO_SERVICE_PORT | MPO_CONNECTION_PORT;
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_construct(SELF, &options, 0, &port));
    options.flags = MPO_SERVICE_PORT;
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_construct(SELF, &options, 0, &port));
    mach_service_port_info_data_t label = { "a.service", 1 };
    options.service_port_info = &label;
    EXPECT(KERN_DENIED, mach_port_construct(SELF, &options, 0, &port));

    /* A port for replies: nothing but send-once rights. */
    mach_port_t once;
    mach_msg_type_name_t type;
    port = made(MPO_REPLY_PORT, 0);
    EXPECT(KERN_INVALID_CAPABILITY, mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND, &once, &type));
    OK(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
    return 0;
}
