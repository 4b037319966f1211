/* libFuzzer target: the bytes are a stream of operations on a TLSF and a linear block at once, each
 * followed by an audit and a comparison with the exact model of tests/unit/shadow.c. Linked with
 * tests/unit/{shadow,support,json,dump}.c; needs no cmocka.
 *
 * The stream: 2 bytes of set-up, then operations of 1 byte and their arguments; bytes that are
 * missing are 0. Numbers are 2 bytes: an octave and what stands below its highest bit, so that few
 * bytes reach every magnitude, and exact powers of two are likely. */

#include "block/audit.h"
#include "unit/dump.h"
#include "unit/shadow.h"
#include "unit/support.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LIVE_MAX = 256,
    OPERATIONS_MAX = 400
};

typedef struct input {
    const uint8_t *at, *end;
} input;

typedef struct pair {
    fh_block *blocks[2]; /* TLSF, linear */
    shadow models[2];
    test_memory memory;
} pair;

static uint8_t take_byte(input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* 0 to about 2^64: the low 6 bits of the first byte say which bit is the highest, and the second
 * byte has the bits below it. */
static uint64_t take_number(input *in)
{
    unsigned int first = take_byte(in);
    unsigned int shift = first & 63;
    uint64_t below = take_byte(in);
    uint64_t number = UINT64_C(1) << shift;
    number |= shift >= 8 ? below << (shift - 8) : below & ((1U << shift) - 1);
    return (first & 0x80) != 0 ? number - 1 : number;
}

static void stop(const char *what, const char *fault)
{
    if (fault != NULL) {
        fprintf(stderr, "%s: %s\n", what, fault);
        abort();
    }
}

static void check(const pair *p, size_t b)
{
    stop("audit", fhi_block_audit(p->blocks[b]));
    stop("model", shadow_compare(&p->models[b], p->blocks[b]));
}

static void do_alloc(pair *p, size_t b, input *in, bool upper)
{
    unsigned int how = take_byte(in); /* strategy (7 of 8 are valid), alignment, user */
    fh_range_desc desc = {.size = take_number(in), .upper = upper};
    desc.strategy = (fh_strategy)((how & 7) == 7 ? 7 : how & 3);
    desc.user = (how & 8) != 0 ? p : NULL;
    if ((how & 0x80) != 0) {
        desc.alignment = take_number(in); /* often not a power of two */
    } else {
        desc.alignment = UINT64_C(1) << (how >> 4 & 7);
    }
    if (p->models[b].count < LIVE_MAX) {
        stop("alloc", shadow_alloc(&p->models[b], p->blocks[b], &desc, NULL, NULL));
    }
}

/* Exactly the largest gap, or 1 unit more. */
static void do_alloc_largest(pair *p, size_t b, input *in)
{
    unsigned int how = take_byte(in);
    fh_range_desc desc = {.size = shadow_largest(&p->models[b]) + (how >> 2 & 1)};
    desc.strategy = (fh_strategy)(how & 3);
    if (p->models[b].count < LIVE_MAX) {
        stop("alloc", shadow_alloc(&p->models[b], p->blocks[b], &desc, NULL, NULL));
    }
}

static void do_free(pair *p, size_t b, input *in)
{
    shadow *m = &p->models[b];
    unsigned int which = take_byte(in);
    if (m->count > 0) {
        stop("free", shadow_free(m, p->blocks[b], which % m->count));
    }
}

static void do_free_stale(pair *p, size_t b, input *in)
{
    const shadow *m = &p->models[b];
    unsigned int which = take_byte(in);
    size_t kept = m->stale_count < SHADOW_STALE_MAX ? m->stale_count : SHADOW_STALE_MAX;
    if (kept > 0) {
        stop("stale", shadow_refuse(m, p->blocks[b], m->stale[which % kept]));
    }
}

/* A handle made up from a live one, or from nothing. */
static void do_forge(pair *p, size_t b, input *in)
{
    const shadow *m = &p->models[b];
    fh_range forged = {0};
    if (m->count > 0) {
        forged = m->ranges[take_byte(in) % m->count].handle;
    }
    forged.id ^= take_number(in);
    bool lives = forged.id == 0;
    for (size_t i = 0; i < m->count; i++) {
        lives = lives || m->ranges[i].handle.id == forged.id;
    }
    if (!lives) {
        stop("forged", shadow_refuse(m, p->blocks[b], forged));
    } else if (forged.id == 0 && fh_block_free(p->blocks[b], forged) != FH_OK) {
        stop("forged", "freeing {0} is no no-op");
    }
}

/* A handle of the one block in the other. */
static void do_confuse(pair *p, size_t b, input *in)
{
    const shadow *m = &p->models[b];
    unsigned int which = take_byte(in);
    if (m->count > 0) {
        const shadow *other = &p->models[1 - b];
        fh_range foreign = m->ranges[which % m->count].handle;
        for (size_t i = 0; i < other->count; i++) {
            if (other->ranges[i].handle.id == foreign.id) {
                return; /* one in 2^32 */
            }
        }
        stop("foreign", shadow_refuse(other, p->blocks[1 - b], foreign));
    }
}

static void do_resize(pair *p, size_t b, input *in)
{
    stop("resize", shadow_resize(&p->models[b], p->blocks[b], take_number(in), NULL));
}

/* Exactly to the last range's end, or 1 unit too short. */
static void do_resize_to_fit(pair *p, size_t b, input *in)
{
    const shadow *m = &p->models[b];
    uint64_t less = take_byte(in) & 1;
    if (m->count > 0) {
        uint64_t end = m->ranges[m->count - 1].offset + m->ranges[m->count - 1].size;
        stop("resize", shadow_resize(&p->models[b], p->blocks[b], end - less, NULL));
    }
}

static void do_set_user(pair *p, size_t b, input *in)
{
    shadow *m = &p->models[b];
    unsigned int which = take_byte(in);
    if (m->count > 0) {
        void *user = (void *)(uintptr_t)take_byte(in);
        stop("set_user", shadow_set_user(m, p->blocks[b], which % m->count, user, NULL));
    }
}

static void do_json(pair *p, size_t b, input *in)
{
    unsigned int how = take_byte(in);
    test_text text = {.fail_at = how >> 1, .failure = FH_ERR_IO};
    fh_result result = fh_block_json(p->blocks[b], (how & 1) != 0, test_text_write, &text);
    bool failed = text.fail_at != 0 && text.call_count >= text.fail_at;
    if (result != (failed ? FH_ERR_IO : FH_OK)) {
        stop("json", "the result is not the writer's");
    }
    if (!failed) {
        json_value *value = json_parse(text.data, text.length);
        stop("json", value == NULL ? "not JSON" : dump_fault(value));
        json_free(value);
    }
    test_text_finish(&text);
}

/* The n-th host allocation from now on fails; or that and all after it, until the next operation of
 * this kind. */
static void do_fail_host(pair *p, size_t b, input *in)
{
    (void)b;
    unsigned int how = take_byte(in);
    p->memory.fail_on = (how & 1) != 0;
    p->memory.fail_at = (how & 2) != 0 ? p->memory.alloc_count + 1 + (how >> 2 & 7) : 0;
}

static void do_one(pair *p, input *in)
{
    unsigned int operation = take_byte(in);
    size_t b = operation >> 7; /* on which of the two */
    switch (operation & 0x1f) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
        do_alloc(p, b, in, false);
        break;
    case 6:
    case 7:
        do_alloc(p, b, in, true);
        break;
    case 8:
    case 9:
        do_alloc_largest(p, b, in);
        break;
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
        do_free(p, b, in);
        break;
    case 17:
        do_free_stale(p, b, in);
        break;
    case 18:
        do_forge(p, b, in);
        break;
    case 19:
        do_confuse(p, b, in);
        break;
    case 20:
    case 21:
        do_resize(p, b, in);
        break;
    case 22:
        do_resize_to_fit(p, b, in);
        break;
    case 23:
        stop("clear", shadow_clear(&p->models[b], p->blocks[b]));
        break;
    case 24:
        do_set_user(p, b, in);
        break;
    case 25:
        do_json(p, b, in);
        break;
    case 26:
        do_fail_host(p, b, in);
        break;
    default:
        do_free(p, b, in);
        break;
    }
    check(p, b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    static const fh_block_algorithm algorithms[] = {FH_BLOCK_TLSF, FH_BLOCK_LINEAR};
    input in = {data, data + length};
    pair p = {0};
    uint64_t size = take_number(&in);
    test_memory_init(&p.memory);
    for (size_t b = 0; b < 2; b++) {
        fh_block_desc desc = {.size = size, .algorithm = algorithms[b], .memory = &p.memory.host};
        fh_result expected = size == 0 || size > FH_BLOCK_SIZE_MAX ? FH_ERR_INVALID : FH_OK;
        if (fh_block_create(&desc, &p.blocks[b]) != expected) {
            stop("create", "another result than expected");
        }
        shadow_init(&p.models[b], size, algorithms[b]);
        p.models[b].host_may_fail = true;
    }
    for (int i = 0; p.blocks[0] != NULL && in.at < in.end && i < OPERATIONS_MAX; i++) {
        do_one(&p, &in);
    }
    for (size_t b = 0; b < 2; b++) {
        fh_block_destroy(p.blocks[b]);
        shadow_finish(&p.models[b]);
    }
    test_memory_finish(&p.memory); /* aborts when something leaked */
    return 0;
}
