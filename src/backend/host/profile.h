/* Profiles: which GPU is simulated. */

#ifndef FREEHOLD_HOST_PROFILE_H
#define FREEHOLD_HOST_PROFILE_H

#include <freehold/simulated.h>

/* Fill defaults in and validate. `name` is borrowed as it was. INVALID; *out is then {0}. */
fh_result fhi_sim_profile_resolve(const fh_profile *profile, fh_profile *out);

/* The adapter that a resolved profile is. */
void fhi_sim_profile_describe(const fh_profile *profile, fh_adapter_info *out_info);

#endif
