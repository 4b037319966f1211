/* The engine of libfreehold_script.a and of freehold.so, which have it inside. It was compiled with
 * this file, so that nothing needs to be compared. */

#include "script/open.h"

fh_result fhi_engine_open(const fhi_engine **out_engine)
{
    *out_engine = fhi_script_engine(FHI_ENGINE_ABI);
    return FH_OK;
}
