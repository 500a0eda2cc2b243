/* Sizes and places, as 64-bit programs for Mach have them. */
#include <stddef.h>
#include <mach/mach.h>
#include <mach/mach_time.h>
#include <mach/mach_vm.h>
#include <mach/mk_timer.h>
#include <servers/bootstrap.h>

#ifdef __cplusplus
#define SAME(a, b) static_assert((a) == (b), #a)
#else
#define SAME(a, b) _Static_assert((a) == (b), #a)
#endif
#define SIZE(type, bytes) SAME(sizeof(type), bytes)
#define AT(type, member, place) SAME(offsetof(type, member), place)

SIZE(mach_port_t, 4);
SIZE(mach_port_name_t, 4);
SIZE(natural_t, 4);
SIZE(integer_t, 4);
SIZE(boolean_t, 4);
SIZE(kern_return_t, 4);
SIZE(vm_address_t, 8);
SIZE(vm_size_t, 8);
SIZE(mach_vm_address_t, 8);
SIZE(mach_port_context_t, 8);
SIZE(mach_timespec_t, 8);
SIZE(mach_timebase_info_data_t, 8);
SIZE(name_t, 128);

SIZE(mach_msg_header_t, 24);
AT(mach_msg_header_t, msgh_bits, 0);
AT(mach_msg_header_t, msgh_size, 4);
AT(mach_msg_header_t, msgh_remote_port, 8);
AT(mach_msg_header_t, msgh_local_port, 12);
AT(mach_msg_header_t, msgh_voucher_port, 16);
AT(mach_msg_header_t, msgh_id, 20);
SIZE(mach_msg_body_t, 4);
SIZE(mach_msg_base_t, 28);
AT(mach_msg_base_t, body, 24);

SIZE(mach_msg_type_descriptor_t, 12);
SIZE(mach_msg_port_descriptor_t, 12);
SIZE(mach_msg_ool_descriptor_t, 16);
AT(mach_msg_ool_descriptor_t, size, 12);
SIZE(mach_msg_ool_ports_descriptor_t, 16);
AT(mach_msg_ool_ports_descriptor_t, count, 12);
SIZE(mach_msg_guarded_port_descriptor_t, 16);
AT(mach_msg_guarded_port_descriptor_t, name, 12);
SIZE(mach_msg_descriptor_t, 16);

SIZE(mach_msg_trailer_t, 8);
SIZE(mach_msg_seqno_trailer_t, 12);
SIZE(mach_msg_security_trailer_t, 20);
SIZE(mach_msg_audit_trailer_t, 52);
SIZE(mach_msg_context_trailer_t, 60);
SIZE(mach_msg_mac_trailer_t, 68);
AT(mach_msg_mac_trailer_t, msgh_seqno, 8);
AT(mach_msg_mac_trailer_t, msgh_sender, 12);
AT(mach_msg_mac_trailer_t, msgh_audit, 20);
AT(mach_msg_mac_trailer_t, msgh_context, 52);
AT(mach_msg_mac_trailer_t, msgh_ad, 60);
AT(mach_msg_mac_trailer_t, msgh_labels, 64);
SAME(MAX_TRAILER_SIZE, 68);
SAME(MACH_MSG_TRAILER_MINIMUM_SIZE, 8);
SAME(REQUESTED_TRAILER_SIZE(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_NULL)), 8);
SAME(REQUESTED_TRAILER_SIZE(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SEQNO)), 12);
SAME(REQUESTED_TRAILER_SIZE(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER)), 20);
SAME(REQUESTED_TRAILER_SIZE(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT)), 52);
SAME(REQUESTED_TRAILER_SIZE(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_CTX)), 60);
SAME(REQUESTED_TRAILER_SIZE(MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AV)), 68);

SIZE(mach_msg_vector_t, 24);
AT(mach_msg_vector_t, msgv_send_size, 16);
SIZE(mach_msg_aux_header_t, 8);
SIZE(NDR_record_t, 8);
AT(NDR_record_t, int_rep, 4);
SIZE(mig_reply_error_t, 36);
AT(mig_reply_error_t, RetCode, 32);
SIZE(mach_port_deleted_notification_t, 56);
AT(mach_port_deleted_notification_t, not_port, 32);
SIZE(mach_port_destroyed_notification_t, 60);
AT(mach_port_destroyed_notification_t, not_port, 28);
SIZE(mach_no_senders_notification_t, 56);
SIZE(mach_send_once_notification_t, 44);
SIZE(mach_dead_name_notification_t, 56);
SIZE(mk_timer_expire_msg_t, 48);

SIZE(mach_port_status_t, 40);
AT(mach_port_status_t, mps_srights, 24);
AT(mach_port_status_t, mps_flags, 36);
SIZE(mach_port_limits_t, 4);
SIZE(mach_port_info_ext_t, 68);
SIZE(mach_port_guard_info_t, 8);
SIZE(mach_port_qos_t, 8);
SIZE(mach_port_options_t, 24);
AT(mach_port_options_t, mpl, 4);
AT(mach_port_options_t, service_port_name, 8);
SAME(MACH_PORT_LIMITS_INFO_COUNT, 1);
SAME(MACH_PORT_RECEIVE_STATUS_COUNT, 10);
SAME(MACH_PORT_INFO_EXT_COUNT, 17);
SAME(MACH_PORT_GUARD_INFO_COUNT, 2);
SIZE(ipc_info_space_t, 24);
SIZE(ipc_info_space_basic_t, 24);
SIZE(ipc_info_name_t, 28);
SIZE(ipc_info_tree_name_t, 36);
SIZE(struct mig_subsystem, 72);

SAME(MACH_PORT_TYPE_SEND, 0x10000);
SAME(MACH_PORT_TYPE_RECEIVE, 0x20000);
SAME(MACH_PORT_TYPE_SEND_ONCE, 0x40000);
SAME(MACH_PORT_TYPE_PORT_SET, 0x80000);
SAME(MACH_PORT_TYPE_DEAD_NAME, 0x100000);
SAME(MACH_PORT_DEAD, 0xffffffffU);
SAME(MACH_NOTIFY_PORT_DELETED, 65);
SAME(MACH_NOTIFY_SEND_POSSIBLE, 66);
SAME(MACH_NOTIFY_PORT_DESTROYED, 69);
SAME(MACH_NOTIFY_NO_SENDERS, 70);
SAME(MACH_NOTIFY_SEND_ONCE, 71);
SAME(MACH_NOTIFY_DEAD_NAME, 72);
SAME(MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE), 0x1513);
SAME(MACH_MSGH_BITS_SET(19, 21, 17, MACH_MSGH_BITS_COMPLEX), 0x80111513U);
SAME(round_msg(25), 28);
SAME(MACH_PORT_INDEX(0x12303), 0x123);

int main(void)
{
    return 0;
}
