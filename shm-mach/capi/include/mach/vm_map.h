/* Memory of a task, with addresses as wide as this program's. */
#ifndef _MACH_VM_MAP_H_
#define _MACH_VM_MAP_H_

#include <mach/mach_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes zeroed memory: at *address, or anywhere, and says where. */
extern kern_return_t vm_allocate(vm_map_t target_task, vm_address_t *address, vm_size_t size, int flags);

/* Gives back whole pages. */
extern kern_return_t vm_deallocate(vm_map_t target_task, vm_address_t address, vm_size_t size);

extern kern_return_t vm_protect(vm_map_t target_task, vm_address_t address, vm_size_t size,
    boolean_t set_maximum, vm_prot_t new_protection);
extern kern_return_t vm_inherit(
    vm_map_t target_task, vm_address_t address, vm_size_t size, vm_inherit_t new_inheritance);

/* Copies into memory that is made for it, for the caller to give back. */
extern kern_return_t vm_read(vm_map_read_t target_task, vm_address_t address, vm_size_t size,
    vm_offset_t *data, mach_msg_type_number_t *dataCnt);

/* Copies to an address of the caller's. */
extern kern_return_t vm_read_overwrite(vm_map_read_t target_task, vm_address_t address, vm_size_t size,
    vm_address_t data, vm_size_t *outsize);

extern kern_return_t vm_write(
    vm_map_t target_task, vm_address_t address, vm_offset_t data, mach_msg_type_number_t dataCnt);
extern kern_return_t vm_copy(
    vm_map_t target_task, vm_address_t source_address, vm_size_t size, vm_address_t dest_address);

extern kern_return_t vm_map(vm_map_t target_task, vm_address_t *address, vm_size_t size, vm_address_t mask,
    int flags, mem_entry_name_port_t object, vm_offset_t offset, boolean_t copy, vm_prot_t cur_protection,
    vm_prot_t max_protection, vm_inherit_t inheritance);
extern kern_return_t mach_make_memory_entry(vm_map_t target_task, vm_size_t *size, vm_offset_t offset,
    vm_prot_t permission, mem_entry_name_port_t *object_handle, mem_entry_name_port_t parent_entry);

#ifdef __cplusplus
}
#endif

#endif
