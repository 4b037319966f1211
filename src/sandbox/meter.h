/* What a script may use, and how it is stopped.
 *
 * What decides is the *charge*, which is the same on every machine: instructions (a count hook
 * every FHI_METER_PERIOD), bytes that library functions touch, objects that are made. The thread's
 * CPU time is looked at only to catch what slips through: a preempted script is charged nothing.
 *
 * Being stopped is sticky: once `stop` is set, the count hook is armed for every instruction and
 * raises at each of them, our pcall() raises again what it caught, and every fhi_charge() raises.
 * So a script cannot swallow it.
 *
 * Memory: an object of more than FHI_BLOCK_MAX bytes (FHI_STRING_MAX for a string) or a total above
 * FHI_MEMORY_MAX sets `stop`, but is granted, as long as the total stays below FHI_MEMORY_HARD: for
 * Lua answers a refusal with a full collection, which may take longer than everything else. The
 * script ends at its next instruction or charge. What is refused is parts of tables, and stacks, of
 * more than FHI_BLOCK_MAX bytes. */

#ifndef FREEHOLD_SANDBOX_METER_H
#define FREEHOLD_SANDBOX_METER_H

#include "sandbox/lua54.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many times as long our functions take in a build with a sanitizer. */
#if defined(__SANITIZE_THREAD__)
#define FHI_SLOWNESS 8
#elif defined(__SANITIZE_ADDRESS__)
#define FHI_SLOWNESS 3
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FHI_SLOWNESS 8
#elif __has_feature(address_sanitizer)
#define FHI_SLOWNESS 3
#endif
#endif
#ifndef FHI_SLOWNESS
#define FHI_SLOWNESS 1
#endif

enum {
    FHI_METER_PERIOD = 100,    /* instructions between two looks */
    FHI_METER_FINE = 4,        /* the same, in a box in which there was a long string */
    FHI_METER_FINE_COST = 4,   /* what an instruction is charged there */
    FHI_LONG_STRING = 256,     /* bytes; longer ones may be compared slowly */
    FHI_CHARGE_HOOK = 400000,  /* units for one call of a hook: about a millisecond */
    FHI_CHARGE_BULK = 1000000, /* for `evict` with a key function: all candidates together */
    FHI_CHARGE_LOAD = 400000,  /* for the main chunk */
    FHI_CPU_NS = 3 * 1000 * 1000 * FHI_SLOWNESS,
    FHI_COMPILE_CPU_NS = 4 * 1000 * 1000 * FHI_SLOWNESS,
    FHI_BLOCK_MAX = 64 * 1024,         /* bytes */
    FHI_STRING_MAX = 16 * 1024,        /* bytes */
    FHI_KEYS_MAX = 1024,               /* of one table, besides its list */
    FHI_NAMES_MAX = 2048,              /* names and constants in one text */
    FHI_MEMORY_MAX = 6 * 1024 * 1024,  /* bytes of blocks */
    FHI_MEMORY_HARD = 12 * 1024 * 1024 /* bytes of host memory */
};

typedef enum fhi_stop {
    FHI_STOP_NONE = 0,
    FHI_STOP_CHARGE,
    FHI_STOP_TIME,
    FHI_STOP_MEMORY
} fhi_stop;

typedef struct fhi_meter {
    uint64_t charge, limit; /* units; one is about an instruction, 2 ns */
    uint64_t look_at;       /* the charge at which the limit and the clock are looked at */
    fhi_stop stop;
    bool running;         /* between begin and end */
    bool fine;            /* there was a long string, which may be there still */
    bool compiling;       /* and so it is Lua's own tables that grow */
    bool exact;           /* instructions are counted one by one */
    uint32_t period;      /* instructions between two calls of the hook */
    uint32_t pending;     /* instructions that are not in the charge yet */
    uint64_t look_ns;     /* when the clock was last looked at */
    uint64_t whole_ns;    /* when a hundred instructions were last complete */
    uint64_t wall_ns;     /* when the CPU clock was last looked at; 0: no clock was yet */
    uint64_t cpu_base_ns; /* 0: not looked at yet */
    uint64_t cpu_limit_ns;
    const void *strings; /* Lua's table of short strings, which is as long as there are many */
} fhi_meter;

/* Around everything that runs in a state: clears `stop`, arms the hook. Not nested. */
void fhi_meter_begin(lua_State *L, uint64_t charge_limit, uint64_t cpu_ns);
void fhi_meter_end(lua_State *L);

/* Library functions: before work that takes long. Raises when it is too much, or stopped
 * already. */
void fhi_charge(lua_State *L, uint64_t units);

/* For `size` bytes that are copied, compared or searched: a unit for each 16, and one. */
void fhi_charge_bytes(lua_State *L, uint64_t size);

/* Stop what runs: it ends at its next instruction, or charge. */
void fhi_meter_stop(lua_State *L, fhi_stop why);

/* Raise what a stopped script raises; never returns. */
int fhi_meter_raise(lua_State *L);

/* "it ran too long: …" and so on; static. */
const char *fhi_stop_sentence(fhi_stop stop);

/* The lua_Alloc of a box, which is `context`. */
void *fhi_meter_alloc(void *context, void *block, size_t old_size, size_t new_size);

#endif
