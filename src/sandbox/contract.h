/* The contract between scripts and the core, as tables: which hooks there are, which facts each one
 * gets, which fields its decision may have; of which type, and where in the C structs of policy.h.
 *
 * contract_tables.c is made by tools/gen_policy_contract from contract.lua, which is the one
 * description: the editor's types, luacheck's list and the manual come from it, too. */

#ifndef FREEHOLD_SANDBOX_CONTRACT_H
#define FREEHOLD_SANDBOX_CONTRACT_H

#include <freehold/script.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum fhi_value_type {
    FHI_VALUE_BYTES = 0, /* uint64_t; FH_NO_LIMIT and what is above 2^63-1 is nil as a fact */
    FHI_VALUE_INTEGER,   /* uint64_t */
    FHI_VALUE_COUNT,     /* uint32_t */
    FHI_VALUE_FLOAT,     /* float */
    FHI_VALUE_NUMBER,    /* double */
    FHI_VALUE_BOOLEAN,   /* bool */
    FHI_VALUE_CHOICE,    /* an enum: its position in `words` */
    FHI_VALUE_FLAGS,     /* uint32_t: bits by `words`; as a fact a set, as a decision never */
    FHI_VALUE_TEXT,      /* as a fact const char *, "" is nil; in a decision char[room] */
    FHI_VALUE_TAG,       /* fh_tag; as a fact its name, nil for none */
    FHI_VALUE_ACCOUNT,   /* fh_account; as a fact the class `account` */
    FHI_VALUE_MS,        /* uint64_t nanoseconds, in scripts a number of milliseconds */
    FHI_VALUE_INDICES,   /* uint32_t mask; in scripts a list of integers from 0 */
    FHI_VALUE_PLACE,     /* uint32_t index; in scripts a place in a list, from 1 */
    FHI_VALUE_LIST,      /* facts: `of` in a row, `count_offset` has how many, `room` the most */
    FHI_VALUE_SPECIAL    /* read or pushed by code of its own: value.c, decision.c name them */
} fhi_value_type;

struct fhi_shape;

typedef struct fhi_member {
    const char *name;
    fhi_value_type type;
    bool class_fact;     /* PLACE: reading it leaves the verdict cachable */
    bool required;       /* decisions */
    size_t offset;       /* in the C struct */
    size_t given_offset; /* decisions: of a bool that says it was given; TAG as a fact: of its name,
                            a const char *; SIZE_MAX = none */
    size_t count_offset; /* LIST */
    size_t stride;       /* LIST; of fh_candidates: of the column, to which `offset` points */
    size_t room;         /* LIST; TEXT in a decision */
    const char *const *words;   /* CHOICE, FLAGS; ends with NULL */
    const struct fhi_shape *of; /* LIST, ACCOUNT */
    double min, max;            /* numbers in decisions; min > max = any */
    const char *doc;
} fhi_member;

/* The members of one struct, in the order in which `pairs` lists them. */
typedef struct fhi_shape {
    const char *name; /* "request" */
    size_t size;      /* of the C struct */
    uint32_t count;
    const fhi_member *members;
} fhi_shape;

typedef struct fhi_hook_contract {
    const char *name;
    fh_hook hook;
    const fhi_shape *input;    /* NULL: the hook gets facts alone */
    const fhi_shape *decision; /* a table of these; of RELIEVE, each action of the list. NULL: it is
                                  no such table (EVICT, MIGRATE) */
    bool writes_state;         /* frame and pressure */
    bool called;               /* by something in this build */
    const char *doc;
} fhi_hook_contract;

extern const fhi_hook_contract fhi_hook_contracts[FH_HOOK_COUNT];
extern const fhi_shape fhi_shape_facts; /* fh_facts */

/* Fields of a policy besides hooks: "name", "options", "place_steps", "evict" as columns; and the
 * keys of an option's description; lists that end with NULL. */
extern const char *const fhi_policy_fields[];
extern const char *const fhi_option_fields[];

/* By fh_evict_column. */
extern const char *const fhi_evict_columns[];

/* Everything that a script can name, sorted: "pairs", "string.sub". */
extern const char *const fhi_environment_names[];

/* The entry of `list` (ends with NULL) that `word` was most likely meant to be, or NULL. */
const char *fhi_nearest_word(const char *word, const char *const *list);

#endif
