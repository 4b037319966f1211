/* What both algorithms say of a handle that means nothing to them. */

#ifndef FREEHOLD_BLOCK_STALE_H
#define FREEHOLD_BLOCK_STALE_H

#include "base/error.h"

static inline fh_result fhi_stale_range(void)
{
    return fhi_fail(FH_ERR_STALE,
                    "range: freed before (also by clear), or never made by this block");
}

#endif
