/* F13 to F16, PS1, PS6, PS7: ports in sets. */
#include "check.h"

static mach_port_name_array_t members;
static mach_msg_type_number_t count;

static void look(mach_port_t set)
{
    OK(mach_port_get_set_status(SELF, set, &members, &count));
}

static void done(void)
{
    OK(vm_deallocate(SELF, (vm_address_t)members, count * sizeof *members));
}

int main(void)
{
    mach_port_t port = new_port(), other = new_port();
    mach_port_t set = new_right(MACH_PORT_RIGHT_PORT_SET), second = new_right(MACH_PORT_RIGHT_PORT_SET);
    look(set);
    HOLDS(count == 0 && members == NULL);

    EXPECT(KERN_INVALID_RIGHT, mach_port_insert_member(SELF, MACH_PORT_NULL, set));
    EXPECT(KERN_INVALID_NAME, mach_port_insert_member(SELF, 0x20000003, set));
    EXPECT(KERN_INVALID_RIGHT, mach_port_insert_member(SELF, set, set));
    EXPECT(KERN_INVALID_RIGHT, mach_port_insert_member(SELF, port, other));
    EXPECT(KERN_INVALID_NAME, mach_port_insert_member(SELF, port, 0x20000003));
    EXPECT(KERN_INVALID_RIGHT, mach_port_insert_member(SELF, SELF, set));
    EXPECT(KERN_INVALID_RIGHT, mach_port_get_set_status(SELF, port, &members, &count));
    EXPECT(KERN_INVALID_RIGHT, mach_port_get_set_status(SELF, SELF, &members, &count));
    EXPECT(KERN_NOT_IN_SET, mach_port_extract_member(SELF, port, set));
    EXPECT(KERN_NOT_IN_SET, mach_port_move_member(SELF, port, MACH_PORT_NULL));
    EXPECT(KERN_INVALID_RIGHT, mach_port_move_member(SELF, port, MACH_PORT_DEAD));

    OK(mach_port_insert_member(SELF, port, set));
    EXPECT(KERN_ALREADY_IN_SET, mach_port_insert_member(SELF, port, set));
    OK(mach_port_insert_member(SELF, port, second));
    OK(mach_port_insert_member(SELF, other, set));
    look(set);
    HOLDS(count == 2 && members[0] < members[1]);
    HOLDS((members[0] == port && members[1] == other) || (members[0] == other && members[1] == port));
    done();
    OK(mach_port_extract_member(SELF, other, set));
    look(set);
    HOLDS(count == 1 && members[0] == port);
    done();

    /* Moved: in this set and in no other. */
    OK(mach_port_move_member(SELF, port, second));
    look(set);
    HOLDS(count == 0);
    look(second);
    HOLDS(count == 1);
    done();
    OK(mach_port_move_member(SELF, port, second));
    OK(mach_port_move_member(SELF, port, MACH_PORT_NULL));
    look(second);
    HOLDS(count == 0);

    /* A port that dies leaves; a set that goes leaves its ports. */
    OK(mach_port_insert_member(SELF, port, set));
    OK(mach_port_insert_member(SELF, other, set));
    OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
    look(set);
    HOLDS(count == 1 && members[0] == other);
    done();
    OK(mach_port_mod_refs(SELF, set, MACH_PORT_RIGHT_PORT_SET, -1));
    EXPECT(KERN_INVALID_NAME, mach_port_get_set_status(SELF, set, &members, &count));
    HOLDS(type_of(other) == MACH_PORT_TYPE_RECEIVE);
    EXPECT(KERN_NOT_IN_SET, mach_port_move_member(SELF, other, MACH_PORT_NULL));
    OK(mach_port_deallocate(SELF, second));
    return 0;
}
