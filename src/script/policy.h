/* A policy of scripts. A *script* is one file or text, for as long as the policy lives; each text
 * of it that was accepted is an *edition*, which has an engine's version inside. At any time a
 * script has one edition in force (`current`), and may have the one before it and one that waits
 * for the next tick.
 *
 * Who does what: whatever takes long happens on the thread that *changes* the policy, which is one
 * at a time: it reads, compiles and tries a fresh edition (reload.c), and leaves it in `pending`.
 * The tick takes it from there (swap.c). Hooks are called on any thread (adapter.c), through the
 * edition's entry latch.
 *
 * Editions are never given back while the policy lives, only emptied and filled again: so whoever
 * has read `current` may enter the edition behind it, and looks then whether it still is the
 * current one. What falls out of use is put on the `dead` list and emptied later by a thread that
 * changes the policy, never by the tick.
 *
 * `lock` is a leaf. It is held for moments, never around a call of the engine, the host or the
 * log. The entry latches are held while the engine runs, as DESIGN.md says (rule 2); `lock` is
 * never taken inside one. */

#ifndef FREEHOLD_SCRIPT_POLICY_H
#define FREEHOLD_SCRIPT_POLICY_H

#include "base/lock.h"
#include "base/stopwatch.h"
#include "base/thread.h"
#include "base/watch.h"
#include "device/tag.h"
#include "script/decisions.h"
#include "script/engine.h"
#include "script/samples.h"
#include "script/source.h"

#include <freehold/script.h>

#include <stdatomic.h>

enum {
    FHI_ENTRY_WAIT_NS = 200 * 1000,       /* of a request, for a script that is busy */
    FHI_TICK_WAIT_NS = 50 * 1000,         /* of the tick, for something it can do next time */
    FHI_PATIENCE_NS = 1000 * 1000 * 1000, /* of everybody else */
    FHI_FAILURES_MAX = 3,                 /* of one hook in a row */
    FHI_LINES_MAX = 16,                   /* of log() in one call */
    FHI_LINE_SIZE = 256,
    FHI_STEPS_MAX = 32,
    FHI_OPTION_VALUE_SIZE = 1024
};

typedef struct fhi_script fhi_script;
typedef struct fhi_scratch fhi_scratch;

typedef struct fhi_hook_counts {
    _Atomic uint64_t calls, decided, failed, charge, time_ns;
} fhi_hook_counts;

typedef struct fhi_line {
    fh_log_level level;
    char text[FHI_LINE_SIZE];
} fhi_line;

typedef struct fhi_edition {
    fhi_script *script;
    struct fhi_edition *next; /* of all of the script's */
    struct fhi_edition *idle; /* the next of the dead, or of the spare ones; under policy->lock */

    fhi_latch entry;      /* held while the engine works at `version`; guards down to `lines` */
    fhi_version *version; /* NULL: empty */
    uint8_t failures[FH_HOOK_COUNT]; /* in a row */
    uint32_t told;                   /* bit n: a failure of hook n was logged */
    uint32_t line_count, lines_lost;
    fhi_line lines[FHI_LINES_MAX]; /* of log(), until the latch is given back */

    _Atomic uint32_t hooks, quarantined; /* bit n: fh_hook n */
    _Atomic uint64_t serial;             /* of the state, as of the last call */
    _Atomic uint64_t entered;            /* calls of this version */
    _Atomic uint64_t memory, state_bytes, state_count;
    fhi_hook_counts counts[FH_HOOK_COUNT]; /* of all versions that were in here */

    /* Filled in while it is made, constant from then on. */
    _Atomic uint32_t number;
    char name[64];
    char notes[512];
    const uint64_t *steps;
    uint32_t step_count;
    fhi_scratch *making; /* of the thread that makes it; NULL later */

    /* Of whoever has it as fresh: the changer, then the tick. */
    uint32_t from_number; /* the edition that its state comes from; 0 = none */
    uint64_t from_serial;
    uint32_t carry_ns; /* what it took to bring the state over */
    uint32_t carries;  /* how often the tick found the state changed since */
    bool carry_again;  /* the watcher is to bring it over once more; under policy->lock */

    uint64_t stepped; /* `entered` when garbage was last collected; the tick's */
} fhi_edition;

/* The limits that a script's answer was last accepted with. */
typedef struct fhi_held_limits {
    bool any;
    bool fresh; /* the version is new, and did not answer yet */
    fh_limits limits;
    uint64_t tags[FHI_TAGS]; /* 0 = none */
} fhi_held_limits;

/* An option set by hand; or, in `due`, one that is to be set. */
typedef struct fhi_setting {
    struct fhi_setting *next;
    uint32_t script;
    fh_option_type type;
    bool is_default; /* in `due`: take the setting back */
    char name[64];
    char value[FHI_OPTION_VALUE_SIZE];
} fhi_setting;

struct fhi_script {
    fh_policy *policy;
    uint32_t index;
    /* Constant. */
    bool has_path;
    char path[FHI_PATH_MAX]; /* or the text's name */
    char *text;              /* without a path */
    size_t text_size;

    _Atomic(fhi_edition *) current; /* changed by the tick, under policy->lock */
    _Atomic uint64_t busy[FH_HOOK_COUNT];

    /* Under policy->lock. */
    fhi_edition *all, *spare;
    fhi_edition *before, *pending;
    bool going_back; /* to `before`, at the next tick */
    bool last_rejected;
    uint32_t number, accepted, rejected; /* number: of the last edition made */
    char error[512];

    /* The changer's. */
    fhi_sources tried;     /* the files of the last attempt, as they were */
    uint32_t tried_number; /* the edition that came of it; 0 = none */

    fhi_held_limits held; /* whoever asks for limits: the tick, or who sets the policy */
};

struct fh_policy {
    const fhi_engine *engine;
    fh_host_memory memory;
    fh_log log;
    char name[64]; /* constant: the device borrows it */
    uint32_t script_count;
    fhi_script *scripts;
    _Atomic(fh_device *) device; /* NULL: let go; written under `lock` */
    _Atomic uint32_t references; /* the program's handle, and the device */

    fhi_lock lock;         /* guards down to `due`, and what says so in scripts and editions */
    fhi_condition changed; /* `changing` ended */
    bool changing;         /* a thread changes the policy: */
    uintptr_t changer;     /* this one */
    bool in_charge;
    uint32_t change_mask; /* bit n: script n got another edition in the last change */
    fhi_edition *dead;
    fhi_setting *due, *spent; /* for the tick, and from it; `due` in order */

    _Atomic bool work; /* there is something for the tick */
    _Atomic uint64_t swap_ns;

    fhi_setting *settings; /* the changer's */

    /* The watcher's thread: started and joined by the changer, or by whoever ends it all. */
    bool has_watch;            /* `watch` was made; the changer's, or the end's, and so is: */
    bool has_thread;           /* it is to be joined */
    bool orphan;               /* the last reference was given back on it: it ends it all */
    _Atomic uintptr_t watcher; /* it; 0: it has not begun, or has ended */
    _Atomic bool watching;     /* it runs, and is not told to end */
    fhi_thread thread;
    fhi_watch watch;

    /* The tick's. */
    uint64_t steps[FHI_STEPS_MAX];
    uint32_t step_count;
    bool steps_told;
    bool marks_told;
    struct fh_tag_limit merged[FHI_TAGS];
    fhi_state carried;

    fhi_stopwatch stopwatch;
    fhi_samples samples;
    fhi_decision_log decisions;
};

/* ---- policy.c ---- */

/* Without a reference left. Also of one that was not made whole. */
void fhi_policy_destroy(fh_policy *policy);

/* As fh_policy_load(), with that engine. */
fh_result fhi_policy_load_with(const fhi_engine *engine, fh_device *device,
                               const fh_policy_desc *desc, fh_policy **out_policy);

/* Become the one thread that changes the policy. INVALID: from a hook, from a callback of the
 * change that this thread makes, or, with `needs_device`, when the policy was let go. BUSY: another
 * thread changes it, for long. */
fh_result fhi_change_begin(fh_policy *policy, bool needs_device);
fh_result fhi_change_begin_within(fh_policy *policy, bool needs_device, uint64_t wait_ns);
void fhi_change_end(fh_policy *policy);

/* INVALID: this thread is in a hook. */
fh_result fhi_check_outside(const fh_policy *policy);

/* fh_policy_ops.release: the device lets go, and is not touched any more. */
void fhi_scripts_let_go(void *context);

/* One line to the device's log, as printf; nothing once the device is gone. No lock held. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void fhi_scripts_say(const fh_policy *policy, fh_log_level level, const char *format, ...);

/* A report, line by line, behind a first line of ours. */
void fhi_scripts_say_report(const fh_policy *policy, fh_log_level level, const char *first,
                            const fhi_report *report);

/* ---- edition.c ---- */

/* An empty edition, taken from the spare ones or made. NULL: no host memory. The changer. */
fhi_edition *fhi_edition_take(fhi_script *script);

/* Empty it, and put it with the spare ones. False: somebody is in it. The changer, or the end. */
bool fhi_edition_drop(fhi_edition *edition, uint64_t wait_ns);

/* Under policy->lock: nobody will enter it any more. NULL is a no-op. */
void fhi_edition_bury(fhi_edition *edition);

/* Drop what is dead and free what is spent. The changer. */
void fhi_scripts_reap(fh_policy *policy);

/* Enter and leave. Leaving writes what log() said, once nothing is held. */
bool fhi_edition_enter(fhi_edition *edition, uint64_t wait_ns);
void fhi_edition_leave(fhi_edition *edition);

/* The same for the edition that is in force. NULL: it is busy. */
fhi_edition *fhi_script_enter(fhi_script *script, uint64_t wait_ns);

/* Inside: keep what statistics show. */
void fhi_edition_measure(fhi_edition *edition);

/* What a version needs of us; edition->version's host. */
fhi_engine_host fhi_edition_host(fhi_edition *edition);

/* Keep a sentence for the status. */
void fhi_script_keep_error(fhi_script *script, const fhi_report *report);

/* ---- reload.c ---- */

/* Of the changer, while it changes things. */
struct fhi_scratch {
    char text[FHI_SOURCE_MAX];
    size_t size;
    fhi_sources sources; /* what was read for the edition that is being made */
    fhi_state state;
    fhi_report report;
    fhi_sample sample;
    fh_facts facts;
    double keys[FHI_SAMPLE_ROWS];
};

/* Read, compile, and set options. FH_OK: *out_edition is there. Else the report in `scratch` says
 * why not. */
fh_result fhi_script_make(fhi_script *script, fhi_scratch *scratch, fhi_edition **out_edition);

/* Bring the state over, unless it is the one in force, and try every hook. Likewise. */
fh_result fhi_edition_prove(fhi_edition *edition, fhi_scratch *scratch);

/* Make an edition of a script whose files changed, and let it wait for the next tick; or tell why
 * not. The changer. */
fh_result fhi_script_reload(fhi_script *script, fhi_scratch *scratch);

/* Bring the state over once more, for editions whose tick found it changed. The changer. */
void fhi_scripts_carry_again(fh_policy *policy, fhi_scratch *scratch);

/* fhi_engine_host.read; the context is the edition. */
fh_result fhi_edition_extend(void *context, const char *from, const char *name, char *out_text,
                             size_t *out_size, char *out_path, fhi_report *out_report);

/* An edition was not accepted. */
void fhi_script_reject(fhi_script *script, const fhi_report *report);

/* ---- adapter.c ---- */

extern const fh_policy_ops fhi_script_ops; /* without a name and steps */

/* What a script said of limits, while its tags are there. */
void fhi_script_hold_limits(fhi_script *script, fh_outcome outcome, const fh_limits *limits);

/* ---- swap.c ---- */

bool fhi_scripts_renew(void *context, const fh_facts *facts, fh_policy_change *out_change);

/* The steps of all that is in force. The tick, or before it is in charge. */
void fhi_scripts_merge_steps(fh_policy *policy);

/* Bring the state of the edition in force over to a fresh one: snapshot, then migrate. `state` is
 * room. False: *out_again says whether that was for want of time. */
bool fhi_edition_carry(fhi_edition *fresh, fhi_state *state, uint64_t wait_ns, bool *out_again,
                       fhi_report *out_report);

/* ---- options.c ---- */

/* Set by hand what a fresh edition declares of what was set by hand; the rest is noted. */
void fhi_edition_settle(fhi_edition *edition);

/* The settings of a description, into editions that nobody uses yet, one per script. */
fh_result fhi_settings_take(fh_policy *policy, const fh_policy_setting *settings, uint32_t count);

/* Do what is due. The tick. True: something was set. */
bool fhi_settings_apply(fh_policy *policy);

void fhi_settings_free(fh_policy *policy, fhi_setting *list);

/* ---- watching.c ---- */

fh_result fhi_watching_start(fh_policy *policy);
void fhi_watching_tell(fh_policy *policy); /* to end; does not wait for it */
void fhi_watching_stop(fh_policy *policy); /* waits, but for itself; a no-op when there is none */
bool fhi_watching_is_here(fh_policy *policy); /* whether this is the watcher's thread */

#endif
