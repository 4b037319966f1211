/* Results: what a call that can fail returns. FH_OK is 0, errors are negative, a value is never
 * given a second meaning. The code says what kind of failure it was, for a program;
 * fh_error_detail() says which argument or which limit it was, for a person. */

#ifndef FREEHOLD_RESULT_H
#define FREEHOLD_RESULT_H

#include <freehold/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, message): this list makes the enum, the names, the messages and Lua's
 * fh.result. */
#define FH_RESULTS(X)                                                                              \
    X(OK, 0, "success")                                                                            \
    X(ERR_INVALID, -1, "an argument is wrong")                                                     \
    X(ERR_OUT_OF_MEMORY, -2, "no free range or device memory fits the request")                    \
    X(ERR_HOST_MEMORY, -3, "an allocation of host memory failed")                                  \
    X(ERR_BUDGET, -4, "the request would exceed a limit or budget")                                \
    X(ERR_STALE, -5, "the handle names something that no longer exists")                           \
    X(ERR_UNSUPPORTED, -6, "this object, backend or build cannot do that")                         \
    X(ERR_BUSY, -7, "something still uses what the call would change")                             \
    X(ERR_TIMEOUT, -8, "the wait ended before what it waited for happened")                        \
    X(ERR_DEVICE_LOST, -9, "the device is lost")                                                   \
    X(ERR_IO, -10, "reading or writing failed")                                                    \
    X(ERR_FORMAT, -11, "the data is not in the expected format")                                   \
    X(ERR_SCRIPT, -12, "a script failed")

typedef enum fh_result {
#define FH_RESULT_ENUM(name, value, message) FH_##name = (value),
    FH_RESULTS(FH_RESULT_ENUM)
#undef FH_RESULT_ENUM
} fh_result;

/**
 * The constant's own name, such as "FH_ERR_STALE"; "FH_ERR_UNKNOWN" for a value not in the list.
 *
 * Owns:    a static string.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API const char *fh_result_name(fh_result result);

/**
 * What `result` means, in a few words without a full stop; never NULL.
 *
 * Owns:    a static string.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API const char *fh_result_message(fh_result result);

/**
 * One sentence about the last call that failed on this thread: which argument or limit it was, how
 * much was asked for and how much was left. "" when none failed yet. A call that succeeds leaves
 * it.
 *
 * Owns:    borrowed; valid until the next failing call, or the next fh_error_detail(), on this
 *          thread.
 * Threads: any; each thread has its own.
 * Cost:    the sentence is put together here, so that a refused allocation costs no printing.
 */
FH_API const char *fh_error_detail(void);

#ifdef __cplusplus
}
#endif

#endif
