/* Other processes for a program. */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"

/* Forks; the child does not outlive its parent. */
static inline pid_t forked(void)
{
    pid_t parent = getpid(), child = fork();
    HOLDS(child >= 0);
    if (child == 0) {
        HOLDS(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
        HOLDS(getppid() == parent);
    }
    return child;
}

/* Waits until a child has ended well. */
static inline void finished(pid_t child)
{
    int status = -1;
    HOLDS(waitpid(child, &status, 0) == child);
    HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* One byte to and from another process. */
static inline void tell(int fd)
{
    char byte = 1;
    HOLDS(write(fd, &byte, 1) == 1);
}

static inline void hear(int fd)
{
    char byte = 0;
    HOLDS(read(fd, &byte, 1) == 1 && byte == 1);
}

#endif
