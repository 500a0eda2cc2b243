/* Codes in words. */
#ifndef _MACH_MACH_ERROR_H_
#define _MACH_MACH_ERROR_H_

#include <mach/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a code means, for people to read. It is the library's. */
extern char *mach_error_string(mach_error_t error_value);

/* Which part of the system a code is of. */
extern char *mach_error_type(mach_error_t error_value);

/* Writes str and what the code means to the standard error stream. */
extern void mach_error(const char *str, mach_error_t error_value);

#ifdef __cplusplus
}
#endif

#endif
