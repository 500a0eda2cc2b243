/* SE1 to SE10: semaphores. */
#include <pthread.h>
#include <unistd.h>
#include "check.h"

static const mach_timespec_t now = { 0, 0 };
static semaphore_t first, second;
static volatile mach_port_t waiter;

static semaphore_t made(int policy, int value)
{
    semaphore_t semaphore = SEMAPHORE_NULL;
    OK(semaphore_create(SELF, &semaphore, policy, value));
    return semaphore;
}

static void *waits(void *result)
{
    waiter = mach_thread_self();
    *(volatile kern_return_t *)result = semaphore_wait(first);
    return NULL;
}

static void *waits_and_signals(void *result)
{
    *(volatile kern_return_t *)result = semaphore_wait_signal(first, second);
    return NULL;
}

static void start(pthread_t *thread, void *(*what)(void *), volatile kern_return_t *result)
{
    *result = 42;
    HOLDS(pthread_create(thread, NULL, what, (void *)result) == 0);
}

static void joined(pthread_t thread)
{
    HOLDS(pthread_join(thread, NULL) == 0);
}

/* Until a thread waits: then it can be woken alone. */
static void wake_one(thread_t thread)
{
    kern_return_t code;
    while ((code = semaphore_signal_thread(first, thread)) == KERN_NOT_WAITING)
        usleep(500);
    OK(code);
}

static void refusals(void)
{
    semaphore_t semaphore = 42;
    EXPECT(KERN_INVALID_ARGUMENT, semaphore_create(TASK_NULL, &semaphore, SYNC_POLICY_FIFO, 0));
    EXPECT(KERN_INVALID_ARGUMENT, semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, -1));
    EXPECT(KERN_INVALID_ARGUMENT, semaphore_create(SELF, &semaphore, SYNC_POLICY_FIXED_PRIORITY, 0));
    HOLDS(semaphore == 42);
    EXPECT(KERN_INVALID_NAME, semaphore_signal(SEMAPHORE_NULL));
    EXPECT(KERN_INVALID_NAME, semaphore_wait(MACH_PORT_DEAD));
    EXPECT(KERN_INVALID_NAME, semaphore_wait(0x20000003));
    EXPECT(KERN_INVALID_RIGHT, semaphore_wait(new_port()));
    EXPECT(KERN_INVALID_CAPABILITY, semaphore_wait(SELF));
    EXPECT(KERN_INVALID_ARGUMENT, semaphore_destroy(TASK_NULL, first));
    EXPECT(KERN_INVALID_ARGUMENT, semaphore_destroy(SELF, SEMAPHORE_NULL));
    mach_timespec_t wrong = { 0, 1000000000 };
    EXPECT(KERN_INVALID_VALUE, semaphore_timedwait(first, wrong));
}

int main(void)
{
    pthread_t threads[3];
    volatile kern_return_t results[3];
    first = made(SYNC_POLICY_FIFO, 2);
    second = made(SYNC_POLICY_LIFO, 0);
    HOLDS(first != second && type_of(first) == MACH_PORT_TYPE_SEND);
    refusals();

    OK(semaphore_wait(first));
    OK(semaphore_timedwait(first, now));
    EXPECT(KERN_OPERATION_TIMED_OUT, semaphore_timedwait(first, now));
    mach_timespec_t some = { 0, 2000000 };
    EXPECT(KERN_OPERATION_TIMED_OUT, semaphore_timedwait(first, some));
    OK(semaphore_signal(first));
    OK(semaphore_wait(first));
    /* Nobody waits: no effect on the count. */
    OK(semaphore_signal_all(first));
    EXPECT(KERN_OPERATION_TIMED_OUT, semaphore_timedwait(first, now));
    OK(semaphore_signal(first));
    OK(semaphore_signal_all(first));
    OK(semaphore_timedwait(first, now));
    EXPECT(KERN_NOT_WAITING, semaphore_signal_thread(first, THREAD_NULL));
    EXPECT(KERN_OPERATION_TIMED_OUT, semaphore_timedwait(first, now));

    /* Threads that wait. */
    start(&threads[0], waits, &results[0]);
    OK(semaphore_signal(first));
    joined(threads[0]);
    EXPECT(KERN_SUCCESS, results[0]);
    waiter = 0;
    start(&threads[0], waits, &results[0]);
    while (waiter == 0)
        usleep(500);
    EXPECT(KERN_NOT_WAITING, semaphore_signal_thread(first, mach_thread_self()));
    wake_one(waiter);
    joined(threads[0]);
    for (int at = 0; at < 3; at++)
        start(&threads[at], waits, &results[at]);
    wake_one(THREAD_NULL);
    /* All at once, as many as wait by now. */
    for (int woken = 1; woken < 3; usleep(500)) {
        OK(semaphore_signal_all(first));
        woken = (results[0] == KERN_SUCCESS) + (results[1] == KERN_SUCCESS) + (results[2] == KERN_SUCCESS);
    }
    for (int at = 0; at < 3; at++)
        joined(threads[at]);
    EXPECT(KERN_OPERATION_TIMED_OUT, semaphore_timedwait(first, now));

    /* Waits for one, and signals the other. */
    start(&threads[0], waits_and_signals, &results[0]);
    OK(semaphore_wait(second));
    OK(semaphore_signal(first));
    joined(threads[0]);
    EXPECT(KERN_SUCCESS, results[0]);
    EXPECT(KERN_OPERATION_TIMED_OUT, semaphore_timedwait_signal(first, second, now));
    OK(semaphore_timedwait(second, now));

    /* One that goes is over for who waits, and for who has another reference. */
    natural_t kind;
    mach_vm_address_t address;
    OK(mach_port_kobject(SELF, first, &kind, &address));
    HOLDS(kind == 23);
    OK(mach_port_mod_refs(SELF, first, MACH_PORT_RIGHT_SEND, 1));
    start(&threads[0], waits, &results[0]);
    usleep(20000);
    OK(semaphore_destroy(SELF, first));
    joined(threads[0]);
    EXPECT(KERN_TERMINATED, results[0]);
    EXPECT(KERN_TERMINATED, semaphore_signal(first));
    EXPECT(KERN_TERMINATED, semaphore_wait_signal(second, first));
    EXPECT(KERN_OPERATION_TIMED_OUT, semaphore_timedwait(second, now));
    OK(mach_port_deallocate(SELF, first));
    EXPECT(KERN_INVALID_NAME, semaphore_signal(first));
    first = second;
    start(&threads[0], waits, &results[0]);
    usleep(20000);
    OK(mach_port_deallocate(SELF, second));
    joined(threads[0]);
    HOLDS(results[0] == KERN_TERMINATED || results[0] == KERN_INVALID_NAME);
    return 0;
}
