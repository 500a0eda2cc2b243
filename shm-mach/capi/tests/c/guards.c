/* F23, F26 to F28, F34, Q2: what protects a receive right from mistakes. */
#include "check.h"

int main(void)
{
    mach_port_t port = new_port();
    mach_port_context_t context = 42;
    OK(mach_port_get_context(SELF, port, &context));
    HOLDS(context == 0);
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_unguard(SELF, port, 0));
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_swap_guard(SELF, port, 0, 1));
    OK(mach_port_set_context(SELF, port, 5));
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_guard(SELF, port, 6, FALSE));
    OK(mach_port_set_context(SELF, port, 0));

    OK(mach_port_guard(SELF, port, 0x1122334455667788, FALSE));
    OK(mach_port_get_context(SELF, port, &context));
    HOLDS(context == 0x1122334455667788);
    EXPECT(KERN_INVALID_RIGHT, mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
    EXPECT(KERN_INVALID_RIGHT, mach_port_destroy(SELF, port));
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_unguard(SELF, port, 1));
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_swap_guard(SELF, port, 1, 2));
    OK(mach_port_swap_guard(SELF, port, 0x1122334455667788, 9));
    mach_port_guard_info_t info = { 9 };
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_assert_attributes(SELF, port, MACH_PORT_GUARD_INFO,
        (mach_port_info_t)&info, MACH_PORT_GUARD_INFO_COUNT));
    OK(mach_port_unguard(SELF, port, 9));
    OK(mach_port_get_context(SELF, port, &context));
    HOLDS(context == 0);

    OK(mach_port_guard(SELF, port, 9, TRUE));
    OK(mach_port_get_context(SELF, port, &context));
    HOLDS(context == 0);
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_set_context(SELF, port, 1));
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_swap_guard(SELF, port, 9, 1));
    OK(mach_port_assert_attributes(SELF, port, MACH_PORT_GUARD_INFO, (mach_port_info_t)&info,
        MACH_PORT_GUARD_INFO_COUNT));
    info.mpgi_guard = (uint64_t)9 << 32;
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_assert_attributes(SELF, port, MACH_PORT_GUARD_INFO,
        (mach_port_info_t)&info, MACH_PORT_GUARD_INFO_COUNT));
    OK(mach_port_unguard(SELF, port, 9));

    EXPECT(KERN_INVALID_ARGUMENT, mach_port_guard_with_flags(SELF, port, 9, 4));
    OK(mach_port_guard_with_flags(SELF, port, 9, MPG_STRICT | MPG_IMMOVABLE_RECEIVE));
    mach_port_status_t status;
    mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
    OK(mach_port_get_attributes(SELF, port, MACH_PORT_RECEIVE_STATUS, (mach_port_info_t)&status, &count));
    HOLDS(status.mps_flags == (MACH_PORT_STATUS_FLAG_GUARDED | MACH_PORT_STATUS_FLAG_STRICT_GUARD |
        MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE));

    EXPECT(KERN_INVALID_NAME, mach_port_guard(SELF, MACH_PORT_NULL, 1, FALSE));
    EXPECT(KERN_INVALID_NAME, mach_port_guard(SELF, 0x20000003, 1, FALSE));
    EXPECT(KERN_INVALID_RIGHT, mach_port_guard(SELF, SELF, 1, FALSE));
    EXPECT(KERN_INVALID_RIGHT, mach_port_get_context(SELF, MACH_PORT_NULL, &context));
    OK(mach_port_destruct(SELF, port, 0, 9));
    return 0;
}
