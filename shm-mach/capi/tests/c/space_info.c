/* F30 to F32: what a tool is told. */
#include "check.h"

int main(void)
{
    mach_port_t port = new_port(), dead = new_dead_name();
    OK(mach_port_insert_right(SELF, port, port, MACH_MSG_TYPE_MAKE_SEND));
    ipc_info_space_t space;
    ipc_info_name_array_t table;
    ipc_info_tree_name_array_t tree;
    mach_msg_type_number_t lines = 0, branches = 42;
    OK(mach_port_space_info(SELF, &space, &table, &lines, &tree, &branches));
    HOLDS(branches == 0 && tree == NULL && space.iis_table_size > 2 && space.iis_tree_size == 0);
    int seen = 0, seen_dead = 0, seen_self = 0;
    for (mach_msg_type_number_t at = 0; at < lines; at++) {
        if (table[at].iin_name == port) {
            HOLDS(table[at].iin_type == MACH_PORT_TYPE_SEND_RECEIVE && table[at].iin_urefs == 1);
            HOLDS(table[at].iin_object != 0);
            seen++;
        }
        if (table[at].iin_name == dead) {
            HOLDS(table[at].iin_type == MACH_PORT_TYPE_DEAD_NAME && table[at].iin_object == 0);
            seen_dead++;
        }
        seen_self += table[at].iin_name == SELF && table[at].iin_type == MACH_PORT_TYPE_SEND;
    }
    HOLDS(seen == 1 && seen_dead == 1 && seen_self == 1);
    OK(vm_deallocate(SELF, (vm_address_t)table, lines * sizeof *table));

    ipc_info_space_basic_t basic;
    OK(mach_port_space_basic_info(SELF, &basic));
    HOLDS(basic.iisb_genno_mask == 0xff000000 && basic.iisb_table_inuse == 2);
    HOLDS(basic.iisb_table_size == space.iis_table_size && basic.iisb_table_next >= basic.iisb_table_size);

    natural_t kind = 42;
    mach_vm_address_t address = 42;
    OK(mach_port_kobject(SELF, port, &kind, &address));
    HOLDS(kind == 0 && address == 0);
    OK(mach_port_kobject(SELF, SELF, &kind, &address));
    HOLDS(kind == 2);
    OK(mach_port_kobject(SELF, mach_host_self(), &kind, &address));
    HOLDS(kind == 3);
    OK(mach_port_kobject(SELF, mach_thread_self(), &kind, &address));
    HOLDS(kind == 1);
    EXPECT(KERN_INVALID_RIGHT, mach_port_kobject(SELF, dead, &kind, &address));
    EXPECT(KERN_INVALID_NAME, mach_port_kobject(SELF, MACH_PORT_NULL, &kind, &address));
    EXPECT(KERN_INVALID_NAME, mach_port_kobject(SELF, 0x20000003, &kind, &address));
    unsigned narrow = 42;
    OK(mach_port_kernel_object(SELF, SELF, &kind, &narrow));
    HOLDS(kind == 2 && narrow == 0);
    kobject_description_t text = "x";
    OK(mach_port_kobject_description(SELF, SELF, &kind, &address, text));
    HOLDS(kind == 2 && text[0] == 0);
    return 0;
}
