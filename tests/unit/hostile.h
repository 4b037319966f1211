/* Scripts that mean harm: loads a text through the engine, calls all it has with sample inputs, and
 * looks at everything that comes out: bounds of time and memory, decisions in their ranges, texts
 * that may be shown. Knows nothing of cmocka, so that the fuzz target can use it, too. */

#ifndef FREEHOLD_TESTS_HOSTILE_H
#define FREEHOLD_TESTS_HOSTILE_H

#include "script/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HOSTILE_CPU_NS = 5 * 1000 * 1000,  /* a hook or a load may take, on a usual machine */
    HOSTILE_MEMORY = 16 * 1024 * 1024, /* bytes of the host's, for one version */
    HOSTILE_TEXT_MAX = 256 * 1024,     /* of an expanded text */
    HOSTILE_CANDIDATES = 64
};

typedef struct hostile_call {
    bool made;
    fh_outcome first, last;
    bool by_time; /* one of its calls was stopped by the clock */
} hostile_call;

typedef struct hostile_desc {
    const char *name;
    const char *text;
    size_t size;
    uint32_t calls;   /* of each hook */
    const char *says; /* a report is to contain it; NULL = anything */
} hostile_desc;

typedef struct hostile_result {
    bool loaded;
    bool said;         /* what desc.says wants */
    bool by_time;      /* something was stopped by the clock */
    fhi_report report; /* the last one */
    hostile_call calls[FH_HOOK_COUNT];
    uint64_t longest_ns; /* of thread-CPU time, of one call or the load */
    const char *longest; /* which one */
    uint64_t peak_bytes;
    uint64_t sum;    /* of all outcomes, charges and answers: the same on every run */
    char fault[256]; /* what is wrong, whatever the script is; "" = nothing */
} hostile_result;

void hostile_run(const hostile_desc *desc, hostile_result *out_result);

/* How much longer than usual everything takes: with sanitizers, under valgrind. */
uint64_t hostile_slowness(void);

/* A file of tests/hostile as a script: lines that begin with one of these are several of them.
 *
 *     --+ 3 text      three times, spaces between them; every `$` is the number of the copy
 *     --* 3 text      the same, without spaces
 *     --^ 3 1b ff     three times these bytes
 *
 * Returns its size; 0 when it does not fit HOSTILE_TEXT_MAX. */
size_t hostile_expand(const char *source, size_t size, char *out_text);

/* The size of the character at `text`; 0 = it is none of UTF-8. */
size_t hostile_character(const unsigned char *text, size_t left);

#endif
