/* Words for the core's enumerations and flags. Each list is in the order of its values (of its
 * bits, for flags) and ends with NULL. */

#ifndef BINDING_NAMES_H
#define BINDING_NAMES_H

#include "sandbox/lua54.h"

#include <stdint.h>

extern const char *const fhi_access_names[];
extern const char *const fhi_adapter_kind_names[];
extern const char *const fhi_algorithm_names[];
extern const char *const fhi_backend_call_names[];
extern const char *const fhi_cap_names[];
extern const char *const fhi_dedicated_names[];
extern const char *const fhi_event_names[];
extern const char *const fhi_evictable_names[];
extern const char *const fhi_fault_kind_names[];
extern const char *const fhi_format_names[]; /* the first is for FH_FORMAT_NONE: "none" */
extern const char *const fhi_hook_names[];
extern const char *const fhi_kind_names[];
extern const char *const fhi_location_names[];
extern const char *const fhi_memory_flag_names[];
extern const char *const fhi_option_type_names[];
extern const char *const fhi_outcome_names[];
extern const char *const fhi_relief_names[];
extern const char *const fhi_scope_names[];
extern const char *const fhi_script_state_names[];
extern const char *const fhi_strategy_names[];
extern const char *const fhi_texture_kind_names[];
extern const char *const fhi_usage_names[];

/* Push the set of the flags in `bits`: a table with `true` under each one's name. */
void fhi_push_flags(lua_State *L, uint32_t bits, const char *const *names);

/* The bits of the flags at `index`: "a|b", a list of names, or a set as fhi_push_flags() makes it.
 * Errors as in check.h. */
uint32_t fhi_check_flags(lua_State *L, int index, int arg, const char *name,
                         const char *const *names);

#endif
