/* Integers of the machine's widths, and addresses. */
#ifndef _MACH_VM_TYPES_H_
#define _MACH_VM_TYPES_H_

#include <stdint.h>

#if !defined(__LP64__)
#error "these headers are for 64-bit programs"
#endif

typedef unsigned int natural_t;
typedef int integer_t;

/* Addresses and sizes of this program's own. */
typedef uintptr_t vm_offset_t;
typedef vm_offset_t vm_address_t;
typedef uintptr_t vm_size_t;
typedef vm_offset_t pointer_t;

/* The same of any program. */
typedef uint64_t mach_vm_address_t;
typedef uint64_t mach_vm_offset_t;
typedef uint64_t mach_vm_size_t;
typedef uint64_t vm_map_offset_t;
typedef uint64_t vm_map_address_t;
typedef uint64_t vm_map_size_t;

#endif
