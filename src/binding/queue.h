/* Queues and epochs in Lua. A queue is an object, an epoch a small table: { queue = 0, value = 7
 * }. */

#ifndef BINDING_QUEUE_H
#define BINDING_QUEUE_H

#include "binding/class.h"

#include <freehold/epoch.h>

extern const fhi_class fhi_queue_class;

/* Of several epochs, the last one on each queue is all that counts. */
typedef struct fhi_epochs {
    fh_epoch list[FH_QUEUE_MAX];
    uint32_t count;
} fhi_epochs;

/* The queue at `index`: an object or a number. As fhi_read_count(). */
int fhi_read_queue(lua_State *L, int index, int arg, const char *name, uint32_t *out);

/* The epoch at `index`; one epoch, or a list. 0, or 3 when a number cannot be. */
int fhi_read_epoch(lua_State *L, int index, int arg, const char *name, fh_epoch *out);
int fhi_read_epochs(lua_State *L, int index, int arg, const char *name, fhi_epochs *out);

void fhi_push_epoch(lua_State *L, fh_epoch epoch);

/* Methods of a device. */
int fhi_device_queue(lua_State *L);
int fhi_device_queues(lua_State *L);

#endif
