/* One copy of the simulated device, when it happens. */

#ifndef FREEHOLD_HOST_COPY_H
#define FREEHOLD_HOST_COPY_H

#include <freehold/backend.h>

/* `copy` is valid and its objects are bound. */
void fhi_sim_copy(const fh_backend_copy *copy);

#endif
