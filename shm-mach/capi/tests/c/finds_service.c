/* Looks up the service that a task of another language keeps; it is there. */
#include <servers/bootstrap.h>
#include "check.h"

int main(void)
{
    mach_port_t found = MACH_PORT_NULL;
    OK(bootstrap_look_up(bootstrap_port, "test.rust", &found));
    HOLDS(type_of(found) == MACH_PORT_TYPE_SEND);
    EXPECT(BOOTSTRAP_NOT_PRIVILEGED, bootstrap_check_in(bootstrap_port, "test.rust", &found));
    return 0;
}
