/* TP2, TP7, TP8: the task, its threads and the machine. */
#include <pthread.h>
#include "check.h"

static void *other_thread(void *mine)
{
    mach_port_t own = mach_thread_self();
    HOLDS(own != *(mach_port_t *)mine && own == mach_thread_self());
    HOLDS(refs_of(own, MACH_PORT_RIGHT_SEND) == 2);
    return NULL;
}

int main(void)
{
    mach_port_t task = mach_task_self();
    HOLDS(task == mach_task_self_ && task == current_task() && task == (mach_task_self)());
    HOLDS(type_of(task) == MACH_PORT_TYPE_SEND);
    HOLDS(refs_of(task, MACH_PORT_RIGHT_SEND) == 1);
    HOLDS(refs_of(task, MACH_PORT_RIGHT_RECEIVE) == 0);
    HOLDS(mach_task_is_self(task) && !mach_task_is_self(MACH_PORT_NULL));
    /* It cannot be given up. */
    EXPECT(KERN_INVALID_CAPABILITY, mach_port_deallocate(SELF, task));
    EXPECT(KERN_INVALID_CAPABILITY, mach_port_destroy(SELF, task));
    EXPECT(KERN_INVALID_CAPABILITY, mach_port_mod_refs(SELF, task, MACH_PORT_RIGHT_SEND, -1));
    EXPECT(KERN_INVALID_VALUE, mach_port_mod_refs(SELF, task, MACH_PORT_RIGHT_SEND, -2));
    EXPECT(KERN_INVALID_RIGHT, mach_port_mod_refs(SELF, task, MACH_PORT_RIGHT_RECEIVE, -1));
    OK(mach_port_mod_refs(SELF, task, MACH_PORT_RIGHT_SEND, 1));
    OK(mach_port_deallocate(SELF, task));
    HOLDS(type_of(task) == MACH_PORT_TYPE_SEND);

    mach_port_t host = mach_host_self(), thread = mach_thread_self();
    HOLDS(MACH_PORT_VALID(host) && MACH_PORT_VALID(thread) && host != thread && host != task);
    HOLDS(mach_host_self() == host && mach_thread_self() == thread);
    HOLDS(refs_of(host, MACH_PORT_RIGHT_SEND) == 2 && refs_of(thread, MACH_PORT_RIGHT_SEND) == 2);
    OK(mach_port_deallocate(SELF, host));
    OK(mach_port_deallocate(SELF, host));
    EXPECT(KERN_INVALID_NAME, mach_port_deallocate(SELF, host));
    HOLDS(mach_host_self() == host && refs_of(host, MACH_PORT_RIGHT_SEND) == 1);

    pthread_t other;
    HOLDS(pthread_create(&other, NULL, other_thread, &thread) == 0);
    HOLDS(pthread_join(other, NULL) == 0);

    int pid = 0;
    OK(pid_for_task(task, &pid));
    mach_port_t same = MACH_PORT_NULL;
    OK(task_for_pid(task, pid, &same));
    HOLDS(same == task && refs_of(task, MACH_PORT_RIGHT_SEND) == 2);
    EXPECT(KERN_FAILURE, task_for_pid(task, pid + 1, &same));
    HOLDS(same == MACH_PORT_NULL);
    EXPECT(KERN_FAILURE, pid_for_task(host, &pid));
    HOLDS(pid == -1);
    return 0;
}
