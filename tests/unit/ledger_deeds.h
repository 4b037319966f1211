/* What a step of the ledger may do. Shared between ledger*.c. */

#ifndef FREEHOLD_TESTS_LEDGER_DEEDS_H
#define FREEHOLD_TESTS_LEDGER_DEEDS_H

#include "ledger.h"

enum {
    LEDGER_DEEDS = 38 /* the last two only where things are wild */
};

/* Makes one call, and compares what came back. NULL, or what is wrong. */
typedef const char *(*ledger_deed)(ledger *l, const ledger_source *source);
extern const ledger_deed ledger_deeds[LEDGER_DEEDS];

/* The sentence of a fault; one is enough. */
const char *ledger_say(const char *format, ...);
const char *ledger_unexpected(const char *call, fh_result result);

/* Whether a queue of ours has not passed its last use. */
bool ledger_is_pending(const ledger *l, const ledger_entry *entry);

uint64_t ledger_choose(const ledger_source *source, uint64_t below);

/* 1 to about 2^octaves, every octave alike. */
uint64_t ledger_choose_size(const ledger_source *source, uint32_t octaves);

/* A parcel that we hold a reference to, or NULL. */
ledger_entry *ledger_choose_live(ledger *l, const ledger_source *source);

/* Map it, see that it is as it was left and lies on nothing else, and perhaps paint it anew. */
const char *ledger_look(ledger *l, ledger_entry *entry, bool paint_it);

/* Those that make something (ledger_make.c). */
const char *ledger_make_buffer(ledger *l, const ledger_source *source);
const char *ledger_make_texture(ledger *l, const ledger_source *source);
const char *ledger_make_raw(ledger *l, const ledger_source *source);
const char *ledger_make_many(ledger *l, const ledger_source *source);
const char *ledger_make_item(ledger *l, const ledger_source *source);
const char *ledger_make_external(ledger *l, const ledger_source *source);

/* No trouble any more. */
void ledger_calm(ledger *l);

#endif
