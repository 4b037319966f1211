/* The sentence behind a failure: kept per thread, put together only when somebody asks. */

#ifndef FREEHOLD_BASE_ERROR_H
#define FREEHOLD_BASE_ERROR_H

#include <freehold/result.h>

#include <stdint.h>

/* Remember `format` as this thread's last failure, and return `result`, so that a caller can write
 * `return fhi_fail(...)`. Each "{}" in the format stands for the next of the three values, in
 * decimal; those that the format does not use are 0. The format must be a string literal: only its
 * address is kept. */
fh_result fhi_fail_with(fh_result result, const char *format, uint64_t a, uint64_t b, uint64_t c);

static inline fh_result fhi_fail(fh_result result, const char *sentence)
{
    return fhi_fail_with(result, sentence, 0, 0, 0);
}

/* The same, printed at once as by printf: for sentences with names in them. Cut at 255 bytes. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
fh_result
fhi_fail_print(fh_result result, const char *format, ...);

/* This thread's sentence, kept while calls are made that may fail in ways of their own. */
typedef struct fhi_sentence {
    char text[256];
} fhi_sentence;

fhi_sentence fhi_sentence_keep(void);
fh_result fhi_sentence_fail(fh_result result, const fhi_sentence *sentence);

/* A number that no other living thread has, while this one lives. */
uintptr_t fhi_thread_anchor(void);

/* How often something failed on this thread: tells whether a callback left a sentence of its
 * own. */
uint64_t fhi_failure_count(void);

#endif
