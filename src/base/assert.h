/* Assertions are for our own mistakes; a caller's are errors in every build (result.h).
 *
 *  FH_ASSERT  cheap; in builds with FH_DEBUG.
 *  FH_AUDIT   a build flag of its own: blocks are walked whole after their changes (audit.h). */

#ifndef FREEHOLD_BASE_ASSERT_H
#define FREEHOLD_BASE_ASSERT_H

#if defined(FH_DEBUG) || defined(FH_AUDIT)
#include <stdio.h>
#include <stdlib.h>
#define FH_ASSERT(condition)                                                                       \
    ((condition)                                                                                   \
         ? (void)0                                                                                 \
         : (fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition),      \
            abort()))
#else
#define FH_ASSERT(condition) ((void)0)
#endif

#endif
