/* Tags: names with an account each. Interned once and never forgotten while the device lives. */

#ifndef FREEHOLD_DEVICE_TAG_H
#define FREEHOLD_DEVICE_TAG_H

#include "base/lock.h"
#include "device/account.h"

enum {
    FHI_TAGS = 1024,              /* 0 is untagged */
    FHI_TAG_OTHER = FHI_TAGS - 1, /* what does not fit is this one */
    FHI_TAG_PLACES = 2 * FHI_TAGS
};

typedef struct fhi_core fhi_core;

typedef struct fhi_tag {
    char name[64];
    fhi_account account;
} fhi_tag;

typedef struct fhi_tags {
    fhi_lock lock;                      /* taken to add one */
    _Atomic uint32_t count;             /* tags below it are whole; starts at 1 */
    _Atomic(fhi_tag *) table[FHI_TAGS]; /* each made when its name is new */
    /* Tags by their names' hashes, an open table; 0 = free. Entries are added and never change, so
     * that a name that is known is found without the lock. */
    _Atomic uint16_t places[FHI_TAG_PLACES];
} fhi_tags;

void fhi_tags_finish(fhi_core *core);

#endif
