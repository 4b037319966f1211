/* The list of backends that this build has. The first is the default. */

#include <freehold/backend.h>

#include "backend/host/host.h"

#include <string.h>

static const fh_backend_ops *const backends[] = {
    &fhi_host_backend,
};

enum {
    BACKEND_COUNT = sizeof backends / sizeof backends[0]
};

const fh_backend_ops *fh_backend_find(const char *name)
{
    if (!name) {
        return backends[0];
    }
    for (uint32_t i = 0; i < BACKEND_COUNT; i++) {
        if (strcmp(backends[i]->name, name) == 0) {
            return backends[i];
        }
    }
    return NULL;
}

const fh_backend_ops *fh_backend_at(uint32_t index)
{
    return index < BACKEND_COUNT ? backends[index] : NULL;
}
