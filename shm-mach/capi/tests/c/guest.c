/* A guest: nothing happens before a call needs it; no signal handler, and one thread at most. */
#include <dirent.h>
#include <signal.h>
#include <mach/mach_time.h>
#include "check.h"

static int entries(const char *folder)
{
    int count = 0;
    DIR *open = opendir(folder);
    HOLDS(open != NULL);
    while (readdir(open) != NULL)
        count++;
    closedir(open);
    return count - 2;
}

static void has_no_handlers(void)
{
    for (int number = 1; number < 32; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0)
            HOLDS(action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
    }
    sigset_t blocked;
    HOLDS(sigprocmask(SIG_BLOCK, NULL, &blocked) == 0);
    for (int number = 1; number < 32; number++)
        HOLDS(!sigismember(&blocked, number));
}

int main(void)
{
    int files = entries("/proc/self/fd");
    HOLDS(entries("/proc/self/task") == 1);
    HOLDS(mach_absolute_time() != 0 && mach_error_string(0) != NULL && MACH_PORT_VALID(mach_task_self()));
    HOLDS(entries("/proc/self/task") == 1 && entries("/proc/self/fd") == files);

    /* The first call makes the task, and the authority that it needs here. */
    new_port();
    HOLDS(entries("/proc/self/task") == 2);
    files = entries("/proc/self/fd");
    for (int at = 0; at < 1000; at++)
        new_port();
    HOLDS(entries("/proc/self/task") == 2 && entries("/proc/self/fd") == files);
    has_no_handlers();
    return 0;
}
