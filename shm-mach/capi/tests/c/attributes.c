/* F20 to F22, F11, F12, F29, O1, L1: what is known of a port, and set. */
#include "check.h"

static mach_port_status_t status_of(mach_port_t port)
{
    mach_port_status_t status;
    mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
    OK(mach_port_get_attributes(SELF, port, MACH_PORT_RECEIVE_STATUS, (mach_port_info_t)&status, &count));
    HOLDS(count == MACH_PORT_RECEIVE_STATUS_COUNT);
    return status;
}

static kern_return_t limit(mach_port_t port, mach_port_msgcount_t to)
{
    mach_port_limits_t limits = { to };
    return mach_port_set_attributes(SELF, port, MACH_PORT_LIMITS_INFO, (mach_port_info_t)&limits,
        MACH_PORT_LIMITS_INFO_COUNT);
}

int main(void)
{
    mach_port_t port = new_port();
    mach_port_status_t status = status_of(port);
    HOLDS(status.mps_pset == 0 && status.mps_seqno == 0 && status.mps_mscount == 0);
    HOLDS(status.mps_qlimit == MACH_PORT_QLIMIT_DEFAULT && status.mps_msgcount == 0);
    HOLDS(status.mps_sorights == 0 && !status.mps_srights && !status.mps_pdrequest && !status.mps_nsrequest);
    HOLDS(status.mps_flags == 0);

    OK(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND));
    mach_port_t once;
    mach_msg_type_name_t type;
    OK(mach_port_extract_right(SELF, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &type));
    mach_port_t set = new_right(MACH_PORT_RIGHT_PORT_SET);
    OK(mach_port_insert_member(SELF, port, set));
    OK(mach_port_set_seqno(SELF, port, 77));
    status = status_of(port);
    HOLDS(status.mps_pset == 1 && status.mps_mscount == 1 && status.mps_srights && status.mps_sorights == 1);
    HOLDS(status.mps_seqno == 77);
    OK(mach_port_set_mscount(SELF, port, 100));
    HOLDS(status_of(port).mps_mscount == 100);
    mach_port_rights_t rights = 42;
    OK(mach_port_get_srights(SELF, port, &rights));
    HOLDS(rights == 1);

    OK(limit(port, MACH_PORT_QLIMIT_ZERO));
    OK(limit(port, MACH_PORT_QLIMIT_MAX));
    EXPECT(KERN_INVALID_VALUE, limit(port, MACH_PORT_QLIMIT_MAX + 1));
    EXPECT(KERN_INVALID_VALUE, limit(0x20000003, MACH_PORT_QLIMIT_MAX + 1));
    EXPECT(KERN_INVALID_NAME, limit(0x20000003, 1));
    EXPECT(KERN_INVALID_RIGHT, limit(MACH_PORT_NULL, 1));
    EXPECT(KERN_INVALID_RIGHT, limit(set, 1));
    EXPECT(KERN_INVALID_RIGHT, limit(SELF, 1));
    mach_port_limits_t limits = { 0 };
    mach_msg_type_number_t count = 1;
    OK(mach_port_get_attributes(SELF, port, MACH_PORT_LIMITS_INFO, (mach_port_info_t)&limits, &count));
    HOLDS(limits.mpl_qlimit == 1024 && count == 1);

    /* Too little room comes first. */
    integer_t words[20];
    count = 9;
    EXPECT(KERN_FAILURE, mach_port_get_attributes(SELF, 0x20000003, MACH_PORT_RECEIVE_STATUS, words, &count));
    count = 20;
    EXPECT(KERN_INVALID_NAME, mach_port_get_attributes(SELF, 0x20000003, MACH_PORT_RECEIVE_STATUS, words, &count));
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_get_attributes(SELF, port, 100, words, &count));
    EXPECT(KERN_INVALID_RIGHT, mach_port_get_attributes(SELF, SELF, MACH_PORT_RECEIVE_STATUS, words, &count));
    OK(mach_port_get_attributes(SELF, port, MACH_PORT_INFO_EXT, words, &count));
    HOLDS(count == MACH_PORT_INFO_EXT_COUNT && words[1] == 77 && words[10] == 0);
    count = 20;
    OK(mach_port_get_attributes(SELF, MACH_PORT_NULL, MACH_PORT_LIMITS_INFO, words, &count));
    HOLDS(count == 0);
    OK(mach_port_set_attributes(SELF, port, MACH_PORT_TEMPOWNER, NULL, 0));
    EXPECT(KERN_INVALID_ARGUMENT, mach_port_set_attributes(SELF, port, 100, words, 20));
    EXPECT(KERN_FAILURE, mach_port_set_attributes(SELF, port, MACH_PORT_LIMITS_INFO, words, 0));

    unsigned total = 42, used = 42;
    OK(mach_port_dnrequest_info(SELF, port, &total, &used));
    HOLDS(used == 0 && total >= used);
    EXPECT(KERN_INVALID_RIGHT, mach_port_set_seqno(SELF, MACH_PORT_NULL, 1));
    EXPECT(KERN_INVALID_NAME, mach_port_get_srights(SELF, MACH_PORT_NULL, &rights));
    EXPECT(KERN_INVALID_RIGHT, mach_port_get_srights(SELF, SELF, &rights));
    return 0;
}
