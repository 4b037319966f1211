/* What is known of a request that is explained: explain.c and outlook.c find it out, explain_text.c
 * says it, and explain_outlook.c the part of it that says where the memory comes from. */

#ifndef FREEHOLD_DEVICE_EXPLAIN_H
#define FREEHOLD_DEVICE_EXPLAIN_H

#include "device/outlook.h"
#include "device/say.h"

#include <freehold/parcel.h>

typedef struct fhi_explanation {
    fhi_request request;       /* decided; no types in its order: none will do */
    fh_parcel_info backing;    /* what it would lie on, when its description says so */
    const char *allocator;     /* in front of the device; NULL = none */
    char policy[FH_NAME_SIZE]; /* "" = native */
    bool decided, denied;      /* by the policy: */
    fh_verdict verdict;
    bool relieves;       /* the policy has a say in relief, too */
    fhi_outlook outlook; /* unless denied, or there is no type */

    fh_write_fn write;
    void *context;
} fhi_explanation;

/* Say it. What `write` returned. No lock held. */
fh_result fhi_explain_write(fh_device *device, const fhi_explanation *explanation);

/* Text on its way, about an explanation. */
typedef struct fhi_explain_text {
    fhi_text out;
    fh_device *device;
    fhi_core *core;
    const fhi_explanation *e;
} fhi_explain_text;

/* The outlook in words: which types cannot give it, where it comes from, or with what it would be
 * refused. (explain_outlook.c) */
void fhi_explain_outlook(fhi_explain_text *text);

#endif
