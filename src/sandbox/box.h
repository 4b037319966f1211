/* A box: one Lua state that runs what nobody trusts. It has an arena of its own, which is dropped
 * whole (lua_close() is never called: nothing in a box owns anything outside of it, and there are
 * no finalizers), a meter, and an environment that is an allow-list (env.h). Its collector is
 * stopped, but for fhi_box_step().
 *
 * Whatever may raise happens inside fhi_box_run(), also what we do ourselves. While it runs the
 * thread's locale is "C": string comparison and the decimal point are the same everywhere. */

#ifndef FREEHOLD_SANDBOX_BOX_H
#define FREEHOLD_SANDBOX_BOX_H

#include "sandbox/arena.h"
#include "sandbox/lua54.h"
#include "sandbox/meter.h"
#include "script/engine.h"

#include "base/locale.h"

typedef struct fhi_box {
    lua_State *L; /* its extra space has the box's address */
    fhi_arena arena;
    fhi_meter meter;
    fhi_engine_host host;
    const char *chunk;  /* name for messages; borrowed from whoever made the box */
    bool dry;           /* log() is silent */
    int outside;        /* while a script's function is called from one of ours, the level of
                              the stack that is none when it returns; 0 = none is called */
    uint32_t line;      /* where the outermost script function last returned; 0 = not known */
    uint32_t log_left;  /* lines that log() may still write in this call */
    uint64_t random[4]; /* of math.random; env_math.c seeds it, with constants */
    const char *impure; /* the first thing read that may differ the next time, although the facts
                               are the same, since it was cleared: "math.random"; NULL = none */
    uint64_t cpu_ns;    /* that a run may take: FHI_CPU_NS, but for tests of slow builds */
    struct fhi_facts_scope *facts; /* facts.h; of the arguments of hooks */
    void *owner;                   /* the version */
    fhi_report *report;            /* of the run; NULL = nobody wants to know */
    fhi_locale locale;
    void *locale_before;      /* of the thread, while it runs */
    uint64_t collected_bytes; /* used when there was last a step of the collector */
    uint64_t cycle_bytes;     /* used when the last cycle of it ended */
    bool cycle;               /* one has begun, and not ended */
} fhi_box;

/* False: no host memory; *box is then finished. `host` is copied. */
bool fhi_box_init(fhi_box *box, const fhi_engine_host *host, void *owner);
void fhi_box_finish(fhi_box *box); /* a zeroed one is fine */

static inline fhi_box *fhi_box_of(lua_State *L)
{
    return *(fhi_box **)lua_getextraspace(L);
}

/* Library functions whose result is not the same each time: a place verdict that used one is not
 * cached. `what` is static. */
static inline void fhi_box_impure(lua_State *L, const char *what)
{
    fhi_box *box = fhi_box_of(L);
    if (box->impure == NULL) {
        box->impure = what;
    }
}

/* Compile a text: the function is left on the stack, its _ENV is the environment. Text chunks only;
 * stopped by the CPU clock, in the reader; inside of fhi_box_run(), by what is left of its charge
 * and time. False: *out_report (may be NULL) says why, and nothing is left. */
bool fhi_box_compile(fhi_box *box, const char *text, size_t size, const char *name,
                     fhi_report *out_report);

/* Call body(L), with `argument` as its only argument (a light userdata), protected and metered, on
 * an empty stack frame. DECIDED: it returned; its results are discarded. FAILED, STOPPED: with the
 * traceback in *out_report (may be NULL). Leaves the stack as it was. In the body, script functions
 * are called with fhi_box_call(), so that the line where they return is known. */
fh_outcome fhi_box_run(fhi_box *box, lua_CFunction body, void *argument, uint64_t charge_limit,
                       fhi_report *out_report);

/* In such a body: lua_call(L, arguments, results), which sets box->line. What facts are alive is
 * said before, see facts.h. */
void fhi_box_call(lua_State *L, int arguments, int results);

/* The same in parts, for what must be quick: a script's function alone, which leaves one result.
 * `begin` pushes the message handler, and returns its index; then the function is pushed, with its
 * arguments, by what raises nothing. `call` leaves the result, or the error, and returns a status
 * of Lua's, for `end`, which takes everything from the handler on off the stack again. */
int fhi_box_begin(fhi_box *box, uint64_t charge_limit, fhi_report *out_report);
int fhi_box_call_outside(fhi_box *box, int arguments, int handler);
fh_outcome fhi_box_end(fhi_box *box, int status, int handler);

/* In such a body: tell the host's log, with the program's own locale. `line` is clean. */
void fhi_box_log(lua_State *L, fh_log_level level, const char *line);

/* Collect, for some 100 us at most. Outside of fhi_box_run(), whose end does it, too, when a lot
 * was made since the last time. How much is done does not depend on any clock. */
void fhi_box_step(fhi_box *box);

/* Text of a script's into one of ours: invalid UTF-8 and control characters (but line feeds, if
 * `lines`) become '?', and it is cut at a character. Returns what was written, without the zero. */
size_t fhi_clean_text(char *out, size_t capacity, const char *text, size_t size, bool lines);

#endif
