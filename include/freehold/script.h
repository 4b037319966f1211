/* Policies in Lua, edited while the program runs.
 *
 * A policy is one Lua file, or several in order, that return a table of hooks (docs/policies.md).
 * fh_policy_load() reads them, tries every hook, and puts them in charge of a device. From then on
 * each file is a *script*, and each text of it that was accepted is a *version*. A new version is
 * read, compiled, checked and tried off the frame thread, and takes effect at the next tick, whole
 * or not at all: whatever is wrong with it, the version before stays in force, untouched.
 *
 * Scripts are sandboxed: a hook that runs too long or takes too much memory is stopped, the native
 * rule decides that call, and a hook that keeps failing is put in *quarantine* until there is a new
 * version. Limits stay as they were last accepted.
 *
 * The program needs no Lua of its own: the library opens libfreehold_script.so.0 when the first
 * policy is loaded, and that brings one along. A program that links Lua 5.4 anyway may link
 * libfreehold_script.a before libfreehold.a instead. */

#ifndef FREEHOLD_SCRIPT_H
#define FREEHOLD_SCRIPT_H

#include <freehold/device.h>
#include <freehold/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fh_policy fh_policy;

/* X(NAME, "name"): what a script may decide. MIGRATE is asked at a reload, the others as policy.h
 * says; RECYCLE, ALIAS and DEFRAG are not asked by anything yet. */
#define FH_HOOKS(X)                                                                                \
    X(PLACE, "place")                                                                              \
    X(RELIEVE, "relieve")                                                                          \
    X(LIMITS, "limits")                                                                            \
    X(FRAME, "frame")                                                                              \
    X(PRESSURE, "pressure")                                                                        \
    X(RETAIN, "retain")                                                                            \
    X(RECYCLE, "recycle")                                                                          \
    X(EVICT, "evict")                                                                              \
    X(ALIAS, "alias")                                                                              \
    X(DEFRAG, "defrag")                                                                            \
    X(MIGRATE, "migrate")

typedef enum fh_hook {
#define FH_HOOK_ENUM(name, text) FH_HOOK_##name,
    FH_HOOKS(FH_HOOK_ENUM)
#undef FH_HOOK_ENUM
    FH_HOOK_COUNT
} fh_hook;

/**
 * "place" and so on; "?" for what is none.
 *
 * Owns:    a static string.
 * Threads: any.
 */
FH_API const char *fh_hook_name(fh_hook hook);

/* ---- loading ---- */

#define FH_SCRIPT_MAX 8 /* scripts in one policy */

/* One script: a path, or a text. */
typedef struct fh_policy_source {
    const char *path; /* of a file of at most 64 KiB; NULL: there is a text */
    const char *text;
    size_t text_size; /* bytes; 0 = up to the terminating zero */
    const char *name; /* of a text, for messages; NULL = "policy" */
} fh_policy_source;

/* A tunable that is set by hand: as fh_policy_set_option(). */
typedef struct fh_policy_setting {
    const char *name, *value;
} fh_policy_setting;

typedef struct fh_policy_desc {
    /* Either one script, */
    fh_policy_source source;
    /* or several, up to FH_SCRIPT_MAX: the first that has an opinion decides, and of limits the
     * strictest holds. */
    const fh_policy_source *sources;
    uint32_t source_count;
    const fh_policy_setting *settings;
    uint32_t setting_count;
    bool watch; /* as fh_policy_watch() */
} fh_policy_desc;

/**
 * Load a policy and put it in charge of `device`. It replaces the one before, as
 * fh_device_set_policy() does.
 *
 * Owns:    the device holds the policy while it is in charge. *out_policy is a handle of the
 *          caller's own, which works also after another policy was put in charge; give it back with
 *          fh_policy_release(), before the device is destroyed. `out_policy` may be NULL.
 * Errors:  IO (a file cannot be read, or is none), SCRIPT (it does not compile, breaks the
 *          contract, or a hook fails when it is tried: the sentence has file and line), INVALID (no
 *          source, more than FH_SCRIPT_MAX, an option that no script declares or a value that it
 *          cannot have), UNSUPPORTED (libfreehold_script.so.0 is not there, or does not fit),
 *          HOST_MEMORY; the policy before stays.
 * Threads: any, but not from a hook.
 * Cost:    some milliseconds.
 */
FH_API fh_result fh_policy_load(fh_device *device, const fh_policy_desc *desc,
                                fh_policy **out_policy);

/**
 * Give a handle back. The policy goes when it is in charge of nothing, and its thread with it. NULL
 * is a no-op.
 *
 * Threads: any; not while another thread uses this handle.
 */
FH_API void fh_policy_release(fh_policy *policy);

/* ---- living with it ----
 *
 * Calls that change a policy wait for one another, and for a script that runs, but for a second at
 * most: then they fail with BUSY. From a hook, from a callback (of the log, of the host's memory)
 * that such a call makes, and when the policy is not in charge any more, they fail with INVALID. */

/**
 * Start, or end, a thread that watches the policy's files (those they `extend`, too) and loads new
 * versions. From saving a file to the new version deciding it takes less than 100 ms when the
 * device ticks 60 times a second. What is wrong with a file goes to the device's log and to
 * fh_policy_status().
 *
 * Errors:  INVALID (no script has a file), BUSY, HOST_MEMORY, IO (no thread could be made).
 * Threads: any, but not from a hook.
 */
FH_API fh_result fh_policy_watch(fh_policy *policy, bool watch);

/**
 * Read the files again, now, on this thread. Versions that differ take effect at the next tick.
 *
 * Errors:  as fh_policy_load(), and BUSY; of what is wrong the version before stays in force.
 * Threads: any, but not from a hook.
 * Cost:    some milliseconds; none of it at the tick.
 */
FH_API fh_result fh_policy_reload(fh_policy *policy);

/**
 * Go back to the versions before the last change of version, at the next tick, with their state as
 * it was then. Going back twice is going forward again. Versions that still wait for the tick are
 * called off instead. A watched file that does not change is not loaded again.
 *
 * Errors:  INVALID (there is no version before), BUSY.
 * Threads: any, but not from a hook.
 */
FH_API fh_result fh_policy_rollback(fh_policy *policy);

/**
 * Set a tunable, at the next tick. `name` is an option's, or "script.option" where several scripts
 * have it; without a script's name all that declare it get it. `value` is a text such as "512MiB",
 * "0.85", "true"; NULL sets the default again. It holds through reloads, as long as a new version
 * declares an option of that name and type in whose range it lies.
 *
 * Errors:  INVALID (no such option, not such a value), BUSY, HOST_MEMORY.
 * Threads: any, but not from a hook.
 */
FH_API fh_result fh_policy_set_option(fh_policy *policy, const char *name, const char *value);

/* X(NAME, "name") */
#define FH_OPTION_TYPES(X)                                                                         \
    X(BYTES, "bytes")                                                                              \
    X(INTEGER, "integer")                                                                          \
    X(NUMBER, "number")                                                                            \
    X(BOOLEAN, "boolean")                                                                          \
    X(CHOICE, "choice")                                                                            \
    X(TEXT, "text")

typedef enum fh_option_type {
#define FH_OPTION_ENUM(name, text) FH_OPTION_##name,
    FH_OPTION_TYPES(FH_OPTION_ENUM)
#undef FH_OPTION_ENUM
    FH_OPTION_TYPE_COUNT
} fh_option_type;

/* A tunable. Texts are cut where they do not fit. */
typedef struct fh_option_info {
    uint32_t script; /* index */
    fh_option_type type;
    bool by_hand; /* set by fh_policy_set_option() or a setting */
    bool has_min, has_max;
    double min, max;
    char name[64];
    char value[128], initial[128]; /* as fh_policy_set_option() takes them */
    char choices[256];             /* CHOICE: "a|b|c" */
    char doc[256];
} fh_option_info;

/**
 * The policy's tunables as they are in force, those of the first script first. *out_count is how
 * many there are, also where that is more than `capacity`.
 *
 * Errors:  INVALID (`policy` or `out_count` is NULL, or `out_options` with a capacity), BUSY (as
 *          above); *out_count is then 0.
 * Threads: any, but not from a hook.
 */
FH_API fh_result fh_policy_options(fh_policy *policy, fh_option_info *out_options,
                                   uint32_t capacity, uint32_t *out_count);

/* ---- what it does ---- */

/* How a hook fares, all versions together but for `quarantined`. */
typedef struct fh_hook_status {
    bool present; /* a version in force has it */
    /* It failed too often: the native rule decides until there is a new version. */
    bool quarantined;
    uint64_t calls;   /* that entered the script */
    uint64_t decided; /* of these: with a decision */
    uint64_t failed;  /* of these: stopped, or with an error */
    uint64_t busy;    /* the script was busy for 200 us; the native rule decided */
    uint64_t charge;  /* sum; what a script may use is in docs/policies.md */
    uint64_t time_ns; /* sum; of this machine and moment */
} fh_hook_status;

typedef enum fh_script_state {
    FH_SCRIPT_LOADED = 0, /* as it was read first */
    FH_SCRIPT_RELOADED,   /* a later version is in force */
    FH_SCRIPT_REJECTED,   /* the last text was not accepted; the version before is in force */
    FH_SCRIPT_QUARANTINED /* a hook of the version in force is in quarantine */
} fh_script_state;

typedef struct fh_script_status {
    char name[64];  /* as the script says, or its file's */
    char path[256]; /* "" for a text */
    fh_script_state state;
    uint32_t version;            /* in force; counts from 1 */
    bool pending;                /* a version waits for the next tick */
    uint32_t accepted, rejected; /* versions */
    char error[512]; /* of the last rejection or failure; "" = none since the last version */
    char notes[512]; /* what is odd about the version in force, line by line */
    uint64_t memory; /* bytes of its Lua state */
    uint64_t state_bytes, state_count; /* of self.state: bytes and values */
    fh_hook_status hooks[FH_HOOK_COUNT];
} fh_script_status;

typedef struct fh_policy_status {
    bool in_charge;
    bool watching;
    uint64_t decision_count; /* in all; the log keeps the last ones */
    uint64_t swap_ns;        /* what the last change of version cost its tick */
    uint32_t script_count;
    fh_script_status scripts[FH_SCRIPT_MAX];
} fh_policy_status;

/**
 * How the policy fares. Large: not for small stacks.
 *
 * Errors:  INVALID (a pointer is NULL).
 * Threads: any.
 */
FH_API fh_result fh_policy_get_status(fh_policy *policy, fh_policy_status *out_status);

/**
 * Write a script's self.state as JSON.
 *
 * Errors:  INVALID (no such script), BUSY (it is running, and did not stop in time), HOST_MEMORY,
 *          or what `write` returned.
 * Threads: any, but not from a hook.
 */
FH_API fh_result fh_policy_state(fh_policy *policy, uint32_t script, fh_write_fn write,
                                 void *context);

/* ---- the decision log ---- */

/* How a call of a hook ended. */
typedef enum fh_outcome {
    FH_OUTCOME_DECIDED = 0,
    FH_OUTCOME_NOTHING,    /* nil: the next script, or the native rule, decides */
    FH_OUTCOME_FAILED,     /* an error, or an answer that breaks the contract; native */
    FH_OUTCOME_STOPPED,    /* out of charge, time or memory; native */
    FH_OUTCOME_BUSY,       /* the script did not come free in time; native */
    FH_OUTCOME_QUARANTINED /* it is not asked; native. Not logged, only counted */
} fh_outcome;

/* One call of a hook. Pointers in it are NULL, but for what is said here. */
typedef struct fh_decision {
    uint64_t sequence; /* counts the policy's decisions from 1 */
    uint64_t frame;    /* ticks of the device */
    uint64_t now_ns;   /* as the facts had it */
    fh_hook hook;
    fh_outcome outcome;
    uint32_t script, version;
    uint32_t line;    /* of the script, where the hook returned; 0 = not known */
    uint32_t attempt; /* of RELIEVE; else 0 */
    uint32_t charge;  /* used */
    uint32_t time_ns; /* of this machine and moment */
    union {
        struct {
            fh_kind kind;
            fh_usage usage;
            fh_location location;
            fh_access access;
            fh_tag tag;
            uint64_t size_min, size_max, size, alignment;
            uint32_t type_mask;
            fh_format format;
            uint32_t width, height;
            fh_result reason; /* RELIEVE, like the rest */
            fh_account account;
            uint64_t shortage;
            uint32_t tried;
        } request; /* PLACE, RELIEVE */
        struct {
            uint64_t used, limit; /* the device's */
        } facts;                  /* LIMITS */
        fh_frame_facts frame;
        fh_pressure pressure;
        fh_block_facts block;   /* RETAIN */
        fh_recycle_facts cache; /* RECYCLE */
        struct {
            uint32_t count;
            uint64_t wanted;
        } candidates; /* EVICT */
        fh_alias_facts graph;
        fh_defrag_facts gaps; /* DEFRAG */
    } input;
    union { /* with DECIDED */
        fh_verdict verdict;
        struct {
            uint32_t count;
            fh_relief list[FH_RELIEF_MAX];
        } reliefs;
        struct {
            uint64_t total, heaps[4], kinds[FH_KIND_COUNT];
            uint32_t tag_count; /* limits of tags, which are not kept here */
        } limits;
        fh_frame_decision frame;
        fh_pressure_decision pressure;
        fh_retain_decision retain;
        fh_recycle_decision recycle;
        struct {
            bool use_keys;
            uint32_t column_count;
        } order; /* EVICT */
        fh_defrag_decision defrag;
    } answer;
} fh_decision;

#define FH_DECISION_LOG 1024 /* decisions that are kept */

/**
 * The last decisions, oldest first: those after `after` (a sequence; 0 = all that are kept), at
 * most `capacity` of them, the oldest of these.
 *
 * Errors:  INVALID (a pointer is NULL).
 * Threads: any; deciding goes on meanwhile.
 */
FH_API fh_result fh_policy_decisions(fh_policy *policy, uint64_t after, fh_decision *out_decisions,
                                     uint32_t capacity, uint32_t *out_count);

#ifdef __cplusplus
}
#endif

#endif
