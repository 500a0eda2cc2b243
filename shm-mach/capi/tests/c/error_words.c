/* Codes in words. */
#include <servers/bootstrap.h>
#include <string.h>
#include "check.h"

int main(void)
{
    kern_return_t known[] = { KERN_SUCCESS, KERN_INVALID_NAME, KERN_NOT_FOUND, MACH_SEND_INVALID_DEST,
        MACH_RCV_TIMED_OUT, MIG_BAD_ID, BOOTSTRAP_UNKNOWN_SERVICE };
    for (unsigned at = 0; at < sizeof known / sizeof *known; at++) {
        HOLDS(strlen(mach_error_string(known[at])) > 3);
        HOLDS(strcmp(mach_error_string(known[at]), mach_error_string(0x0fffffff)) != 0);
        for (unsigned other = 0; other < at; other++)
            HOLDS(strcmp(mach_error_string(known[at]), mach_error_string(known[other])) != 0);
    }
    HOLDS(strcmp(mach_error_type(KERN_FAILURE), mach_error_type(MACH_SEND_NO_BUFFER)) != 0);
    HOLDS(strcmp(bootstrap_strerror(BOOTSTRAP_SERVICE_ACTIVE), mach_error_string(BOOTSTRAP_SERVICE_ACTIVE)) == 0);
    /* Bits beside a code do not hide it. */
    HOLDS(mach_error_string(MACH_RCV_BODY_ERROR | MACH_MSG_VM_SPACE) == mach_error_string(MACH_RCV_BODY_ERROR));
    HOLDS(err_get_system(MACH_RCV_TIMED_OUT) == err_get_system(err_mach_ipc));
    HOLDS(err_get_code(MACH_RCV_TIMED_OUT) == 3);
    mach_error("the message of a test:", KERN_INVALID_RIGHT);
    return 0;
}
