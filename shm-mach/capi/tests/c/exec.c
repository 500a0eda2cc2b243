/* N9: a program that another one has become is a new task. */
#include <string.h>
#include "processes.h"

int main(int count, char **words)
{
    if (count == 2) {
        mach_port_t before = (mach_port_t)strtoul(words[1], NULL, 10);
        mach_port_type_t type;
        /* The number may be given out again; then it is another port's. */
        mach_port_t port = new_port();
        if (port != before)
            EXPECT(KERN_INVALID_NAME, mach_port_type(SELF, before, &type));
        return 0;
    }
    char name[16];
    snprintf(name, sizeof name, "%u", new_port());
    execl("/proc/self/exe", words[0], name, (char *)NULL);
    HOLDS(!"exec came back");
}
