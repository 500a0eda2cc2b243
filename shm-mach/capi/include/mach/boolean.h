/* Truth values. */
#ifndef _MACH_BOOLEAN_H_
#define _MACH_BOOLEAN_H_

/* As wide as an int; unsigned on x86-64, signed elsewhere. */
#if defined(__x86_64__)
typedef unsigned int boolean_t;
#else
typedef int boolean_t;
#endif

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

#endif
