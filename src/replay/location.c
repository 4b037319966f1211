/* Where a resource should lie, from what it was used for. */

#include <freehold/replay.h>

fh_location fh_replay_location(fh_kind kind, fh_usage usage, bool mapped, bool linear)
{
    if (!mapped) {
        return FH_LOCATION_DEVICE;
    }
    if (kind == FH_KIND_TEXTURE) {
        return linear ? FH_LOCATION_UPLOAD : FH_LOCATION_DEVICE;
    }
    if (usage == FH_USAGE_COPY_SRC || usage == 0) {
        return FH_LOCATION_UPLOAD;
    }
    if (usage == FH_USAGE_COPY_DST) {
        return FH_LOCATION_READBACK;
    }
    return (usage & FH_USAGE_COPY_DST) == 0 ? FH_LOCATION_DEVICE_UPLOAD : FH_LOCATION_DEVICE;
}
