/* BS1, BS2, BS3, BS7: services by name, in one task. */
#include <servers/bootstrap.h>
#include <string.h>
#include "check.h"

int main(void)
{
    mach_port_t port = 42, found = 42;
    EXPECT(BOOTSTRAP_UNKNOWN_SERVICE, bootstrap_look_up(bootstrap_port, "test.nobody", &found));
    HOLDS(found == MACH_PORT_NULL);

    OK(bootstrap_check_in(bootstrap_port, "test.one", &port));
    HOLDS(type_of(port) == MACH_PORT_TYPE_RECEIVE);
    EXPECT(BOOTSTRAP_SERVICE_ACTIVE, bootstrap_check_in(bootstrap_port, "test.one", &found));
    HOLDS(found == MACH_PORT_NULL);

    /* A right to one's own port comes under the name that it has; each look adds a reference. */
    OK(bootstrap_look_up(bootstrap_port, "test.one", &found));
    HOLDS(found == port && type_of(port) == MACH_PORT_TYPE_SEND_RECEIVE);
    OK(bootstrap_look_up(bootstrap_port, "test.one", &found));
    HOLDS(refs_of(port, MACH_PORT_RIGHT_SEND) == 2);

    /* Registering takes a send right. */
    EXPECT(BOOTSTRAP_SERVICE_ACTIVE, bootstrap_register(bootstrap_port, "test.one", port));
    OK(bootstrap_register(bootstrap_port, "test.two", port));
    OK(bootstrap_look_up(bootstrap_port, "test.two", &found));
    HOLDS(found == port && refs_of(port, MACH_PORT_RIGHT_SEND) == 3);
    OK(bootstrap_register(bootstrap_port, "test.three", MACH_PORT_NULL));
    EXPECT(BOOTSTRAP_UNKNOWN_SERVICE, bootstrap_look_up(bootstrap_port, "test.three", &found));
    EXPECT(MACH_SEND_INVALID_RIGHT, bootstrap_register(bootstrap_port, "test.three", new_port()));
    EXPECT(MACH_SEND_INVALID_RIGHT, bootstrap_register(bootstrap_port, "test.three", new_dead_name()));
    EXPECT(MACH_SEND_INVALID_RIGHT, bootstrap_register(bootstrap_port, "test.three", 0x20000003));

    /* A name goes with its port. */
    OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
    HOLDS(type_of(port) == MACH_PORT_TYPE_DEAD_NAME);
    HOLDS(refs_of(port, MACH_PORT_RIGHT_DEAD_NAME) == 3);
    EXPECT(BOOTSTRAP_UNKNOWN_SERVICE, bootstrap_look_up(bootstrap_port, "test.one", &found));
    OK(bootstrap_check_in(bootstrap_port, "test.one", &found));
    OK(bootstrap_check_in(bootstrap_port, "test.two", &found));

    /* Names are cut at 127 bytes. */
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[199] = 0;
    OK(bootstrap_check_in(bootstrap_port, name, &port));
    name[127] = 0;
    OK(bootstrap_look_up(bootstrap_port, name, &found));
    HOLDS(found == port);
    name[126] = 0;
    EXPECT(BOOTSTRAP_UNKNOWN_SERVICE, bootstrap_look_up(bootstrap_port, name, &found));
    EXPECT(KERN_INVALID_ARGUMENT, bootstrap_look_up(bootstrap_port, "", &found));
    EXPECT(KERN_INVALID_ARGUMENT, bootstrap_look_up(bootstrap_port, "\xff", &found));

    /* What is no bootstrap. */
    EXPECT(MACH_SEND_INVALID_DEST, bootstrap_look_up(MACH_PORT_NULL, "test.one", &found));
    EXPECT(MACH_SEND_INVALID_DEST, bootstrap_look_up(0x20000003, "test.one", &found));
    mach_port_t parent = MACH_PORT_NULL;
    OK(bootstrap_parent(bootstrap_port, &parent));
    HOLDS(parent == bootstrap_port);
    OK(mach_port_deallocate(SELF, parent));
    OK(bootstrap_unprivileged(bootstrap_port, &parent));
    HOLDS(parent == bootstrap_port);
    return 0;
}
