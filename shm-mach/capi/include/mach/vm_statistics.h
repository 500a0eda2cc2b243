/* Flags for making memory. */
#ifndef _MACH_VM_STATISTICS_H_
#define _MACH_VM_STATISTICS_H_

#define VM_FLAGS_FIXED 0x00000000    /* at the address given */
#define VM_FLAGS_ANYWHERE 0x00000001 /* at any */
#define VM_FLAGS_PURGABLE 0x00000002
#define VM_FLAGS_4GB_CHUNK 0x00000004
#define VM_FLAGS_RANDOM_ADDR 0x00000008
#define VM_FLAGS_NO_CACHE 0x00000010
#define VM_FLAGS_OVERWRITE 0x00004000 /* what is there goes */
#define VM_FLAGS_ALIAS_MASK 0xff000000
#define VM_GET_FLAGS_ALIAS(flags, alias) (alias) = (((flags) >> 24) & 0xff)

/* A number that tells what memory is for; it has no effect here. */
#define VM_MAKE_TAG(tag) ((tag) << 24)
#define VM_MEMORY_MALLOC 1
#define VM_MEMORY_MACH_MSG 20
#define VM_MEMORY_IOKIT 21
#define VM_MEMORY_STACK 30
#define VM_MEMORY_GUARD 31
#define VM_MEMORY_SHARED_PMAP 32
#define VM_MEMORY_APPLICATION_SPECIFIC_1 240
#define VM_MEMORY_APPLICATION_SPECIFIC_16 255

#endif
