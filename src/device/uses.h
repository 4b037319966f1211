/* The use accounts of one parcel: its kind's, and its tag's if it has one. */

#ifndef FREEHOLD_DEVICE_USES_H
#define FREEHOLD_DEVICE_USES_H

#include "device/core.h"

FHI_HOT_INLINE fhi_account *fhi_tag_account(fhi_core *core, fh_tag tag)
{
    return &atomic_load_explicit(&core->tags.table[tag], memory_order_acquire)->account;
}

/* Charge both; the caller holds the lane's lock, and the lane has room for the tag's share. False:
 * nothing is charged, and *out_account says which one refused. */
FHI_HOT_INLINE bool fhi_uses_charge(fhi_core *core, fhi_lane *lane, fh_kind kind, fh_tag tag,
                                    uint64_t bytes, fh_account *out_account)
{
    uint64_t peak = lane->kinds[kind].peak;
    if (FHI_UNLIKELY(!fhi_share_charge(&lane->kinds[kind], &core->kinds[kind], bytes))) {
        *out_account = (fh_account){FH_ACCOUNT_KIND, kind};
        return false;
    }
    if (tag != 0 &&
        FHI_UNLIKELY(!fhi_share_charge(&lane->tags[tag], fhi_tag_account(core, tag), bytes))) {
        fhi_share_release(&lane->kinds[kind], &core->kinds[kind], bytes);
        lane->kinds[kind].peak = peak; /* that was nothing */
        *out_account = (fh_account){FH_ACCOUNT_TAG, tag};
        return false;
    }
    return true;
}

/* Credit both; the caller holds the lane's lock. */
FHI_HOT_INLINE void fhi_uses_credit(fhi_core *core, fhi_lane *lane, fh_kind kind, fh_tag tag,
                                    uint64_t bytes)
{
    fhi_share_release(&lane->kinds[kind], &core->kinds[kind], bytes);
    if (tag != 0) {
        fhi_share_release(&lane->tags[tag], fhi_tag_account(core, tag), bytes);
    }
}

#endif
