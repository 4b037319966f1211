/* Mappings in Lua: the bytes of a parcel in the CPU's reach. */

#ifndef BINDING_MAPPING_H
#define BINDING_MAPPING_H

#include "binding/class.h"

extern const fhi_class fhi_mapping_class;

#endif
