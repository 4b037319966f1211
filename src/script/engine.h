/* What runs scripts, as floor 7 sees it: a table of plain functions, so that everything about
 * policies but the language (loading, watching, swapping, logging) is without Lua, and the Lua in
 * it can live in a library of its own (open.h), behind RTLD_LOCAL. The engine shares no globals and
 * no error sentences with whoever opened it: what went wrong is written into `report`s.
 *
 * An engine's *version* is one text, compiled, with its options, its state and its memory. One
 * thread at a time may use a version; whoever opened it sees to that. */

#ifndef FREEHOLD_SCRIPT_ENGINE_H
#define FREEHOLD_SCRIPT_ENGINE_H

#include <freehold/script.h>

enum {
    FHI_ENGINE_ABI = 1,
    FHI_SOURCE_MAX = 64 * 1024, /* bytes of a script */
    FHI_STATE_MAX = 64 * 1024,  /* bytes of state, serialised */
    FHI_STATE_VALUES = 4096,
    FHI_REPORT_MAX = 1024 /* bytes of a message */
};

typedef struct fhi_version fhi_version;

/* A sentence for people: one line, or a traceback. Valid UTF-8 without control characters but line
 * feeds, whatever the script put into it. "" = nothing to say. */
typedef struct fhi_report {
    char text[FHI_REPORT_MAX];
} fhi_report;

/* What an engine needs of whoever opened it. Copied; `context` is borrowed while versions live. */
typedef struct fhi_engine_host {
    fh_host_memory memory; /* resolved */
    void *context;
    /* A script's log(), and what it is told besides its reports. */
    void (*log)(void *context, fh_log_level level, const char *line);
    /* The tag of that name, made when it is new; 0 when that cannot be. */
    fh_tag (*tag)(void *context, const char *name);
    const char *(*tag_name)(void *context, fh_tag tag); /* "" for none; never NULL */
    fh_pool *(*pool)(void *context, const char *name);  /* NULL: no such pool */
    /* The text that `extend(name, …)` in `from` (a path, or a text's name) names. The caller gives
     * `out_text` FHI_SOURCE_MAX bytes; `out_path` (256 bytes) is what to call it. */
    fh_result (*read)(void *context, const char *from, const char *name, char *out_text,
                      size_t *out_size, char *out_path, fhi_report *out_report);
} fhi_engine_host;

typedef struct fhi_version_desc {
    const char *text;
    size_t size;
    const char *name;                  /* of the chunk, for messages: a path, or a text's name */
    const fh_policy_setting *settings; /* by hand; those that do not fit are noted and left out */
    uint32_t setting_count;
} fhi_version_desc;

/* State as plain bytes, in a format of the engine's own; {0} = none. */
typedef struct fhi_state {
    size_t size;
    unsigned char bytes[FHI_STATE_MAX];
} fhi_state;

/* One call of a hook. */
typedef struct fhi_call {
    bool dry; /* in: a try; what it does to the state is undone, and log() is silent */
    fh_outcome outcome;
    uint32_t line;                           /* where the hook returned; 0 = not known */
    uint32_t charge;                         /* used */
    bool stopped_by_time, stopped_by_memory; /* with STOPPED; else it was the charge */
    const char *uncached; /* PLACE: the first thing it read that is not a class fact, a word of the
                             engine's that lives as long as it; NULL = none */
    fhi_report *report; /* in: where to say why, with FAILED and STOPPED; with file and line. NULL =
                           nowhere */
} fhi_call;

/* The answer of RELIEVE. */
typedef struct fhi_reliefs {
    uint32_t count;
    fh_relief list[FH_RELIEF_MAX];
} fhi_reliefs;

/* By hook: what goes in and what comes out, which is zeroed first.
 *
 *     PLACE     fh_request          fh_verdict            `keep` is NEVER when it read what is no
 *                                                         class fact and did not say `keep` itself,
 *                                                         also with NOTHING, FAILED and STOPPED
 *     RELIEVE   fh_request          fhi_reliefs
 *     LIMITS    (NULL)              fh_limits             `tags` is the version's, until its next
 *                                                         call
 *     FRAME     fh_frame_facts      fh_frame_decision
 *     PRESSURE  fh_pressure         fh_pressure_decision
 *     RETAIN    fh_block_facts      fh_retain_decision
 *     RECYCLE   fh_recycle_facts    fh_recycle_decision
 *     EVICT     fh_candidates       fh_evict_order        `keys` is the caller's, and is kept
 *     ALIAS     fh_alias_facts      fh_alias_decision
 *     DEFRAG    fh_defrag_facts     fh_defrag_decision
 *
 * MIGRATE is not called like this: see `migrate`. */
typedef struct fhi_engine {
    uint32_t abi;        /* FHI_ENGINE_ABI */
    const char *version; /* FH_VERSION_STRING */

    /* Compile, check against the contract, set options. Nothing is called but the script's main
     * chunk. NULL: *out_report says why, with file and line. */
    fhi_version *(*create)(const fhi_engine_host *host, const fhi_version_desc *desc,
                           fhi_report *out_report);
    void (*destroy)(fhi_version *version); /* NULL is a no-op */

    /* Constant while the version lives. */
    const char *(*name)(const fhi_version *version);  /* valid UTF-8, 63 bytes at most */
    const char *(*notes)(const fhi_version *version); /* lines; what is odd, but no error */
    uint32_t (*hooks)(const fhi_version *version);    /* bit n: it has fh_hook n */
    const uint64_t *(*place_steps)(const fhi_version *version, uint32_t *out_count);

    fh_outcome (*call)(fhi_version *version, fh_hook hook, const void *input, const fh_facts *facts,
                       void *out_answer, fhi_call *call);

    /* Options. Setting to NULL is the default. False: *out_report says why. */
    uint32_t (*option_count)(const fhi_version *version);
    void (*option)(const fhi_version *version, uint32_t index, fh_option_info *out_info);
    bool (*set_option)(fhi_version *version, const char *name, const char *value,
                       fhi_report *out_report);

    /* State. `serial` grows whenever a hook changed it. `migrate` gives an old version's state to a
     * new one: by its migrate(self, old_state, old_version) hook, or as it is; false: *out_report
     * says why, and the state is as before. `restore` takes what `save` gave, of this version. */
    uint64_t (*state_serial)(const fhi_version *version);
    bool (*state_save)(fhi_version *version, fhi_state *out_state);
    bool (*state_restore)(fhi_version *version, const fhi_state *state);
    bool (*migrate)(fhi_version *version, const fhi_state *old_state, uint32_t old_version,
                    fhi_call *call);
    fh_result (*state_json)(fhi_version *version, fh_write_fn write, void *context);
    void (*state_size)(const fhi_version *version, uint64_t *out_bytes, uint64_t *out_count);

    /* Collect garbage, for some 100 us at most. At ticks. */
    void (*step)(fhi_version *version);
    uint64_t (*memory)(const fhi_version *version); /* bytes of its arena */
} fhi_engine;

/* The one function that libfreehold_script.so.0 exports, and what it is called there. NULL: its ABI
 * is another one. Declared for open_linked.c, which has it inside; libfreehold looks it up by
 * name. */
typedef const fhi_engine *(*fhi_engine_entry)(uint32_t abi);
#define FHI_ENGINE_ENTRY "fhi_script_engine"
FH_API const fhi_engine *fhi_script_engine(uint32_t abi);

#endif
