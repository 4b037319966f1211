/* libFuzzer target: a policy that nobody would write, loaded and asked everything it answers.
 *
 * Where the first byte is 0, the rest is choices, of which a policy is made: hooks that return
 * values of every kind, options and a state. Else all of it is a policy's text, which may have the
 * lines of hostile.h that stand for many; good beginnings are tests/hostile and scripts/policies.
 *
 * Whatever it is: nothing crashes, every bound of time and memory holds, decisions are in their
 * ranges, texts can be shown, and all is the same twice. A bound of time is broken when it is
 * broken every time. */

#include "unit/hostile.h"

#include "sandbox/contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RUNS = 8,
    DEPTH_MAX = 5,
    ENTRIES_MAX = 5
};

/* ---- a policy made of choices ---- */

typedef struct maker {
    const uint8_t *at, *end;
    char *out;
    size_t size, room;
    fh_hook hook; /* whose answer it is; FH_HOOK_COUNT: none's */
} maker;

static uint32_t take(maker *m, uint32_t below)
{
    uint32_t value = m->at < m->end ? *m->at++ : 0;
    if (below > 256) {
        value |= (m->at < m->end ? (uint32_t)*m->at++ : 0) << 8;
    }
    return below > 0 ? value % below : 0;
}

static void put(maker *m, const char *text)
{
    size_t size = strlen(text);
    if (m->size + size < m->room) {
        memcpy(m->out + m->size, text, size);
        m->size += size;
    }
}

#define PICK(m, list) ((list)[take((m), (uint32_t)(sizeof(list) / sizeof((list)[0])))])

static void put_number(maker *m)
{
    static const char *const odd[] = {
        "0",
        "1",
        "2",
        "-1",
        "2.5",
        "0 / 0",
        "1 / 0",
        "-1 / 0",
        "1 << 63",
        "1 << 62",
        "2.0 ^ 53",
        "2.0 ^ 53 + 2",
        "2.0 ^ 63",
        "-0.0",
        "5e-324",
        "1.7e308",
        "0.5",
        "31",
        "32",
        "100",
        "1024",
        "1 << 32",
        "math.pi",
        "math.maxinteger",
        "math.mininteger",
        "math.random()",
        "math.random(9)",
    };
    if (take(m, 3) > 0) {
        put(m, PICK(m, odd));
    } else {
        char text[16];
        snprintf(text, sizeof text, "%u", (unsigned int)take(m, 65536));
        put(m, text);
    }
}

static void put_quoted(maker *m)
{
    static const char *const odd[] = {
        "512MiB", "1e300GiB", "-5MiB",    "0.5KiB", "nan", "0x10", "99999999999999999999B",
        "host",   "-age",     "priority", "-size",  "",    "*",    "bytes",
        "number", "choice",   "text",
    };
    put(m, "\"");
    if (take(m, 2) == 0) {
        put(m, PICK(m, odd));
    }
    for (uint32_t i = take(m, 4); i > 0; i--) {
        char escape[8];
        snprintf(escape, sizeof escape, "\\%03u", (unsigned int)take(m, 256));
        put(m, escape);
    }
    put(m, "\"");
}

/* A word of the contract: a field's name, or what a field may be. */
static const char *contract_word(maker *m)
{
    const fhi_shape *shape = m->hook < FH_HOOK_COUNT ? fhi_hook_contracts[m->hook].decision : NULL;
    if (shape == NULL || shape->count == 0) {
        uint32_t count = 0;
        while (fhi_option_fields[count] != NULL) {
            count++;
        }
        return fhi_option_fields[take(m, count)];
    }
    const fhi_member *member = &shape->members[take(m, shape->count)];
    if (member->words != NULL && take(m, 2) == 0) {
        uint32_t count = 0;
        while (member->words[count] != NULL) {
            count++;
        }
        return member->words[take(m, count)];
    }
    return member->name;
}

/* A fact, as far as there are such. */
static void put_fact(maker *m)
{
    if (m->hook == FH_HOOK_COUNT || m->hook == FH_HOOK_MIGRATE) {
        put_number(m);
        return;
    }
    const fhi_shape *shape = fhi_hook_contracts[m->hook].input;
    if (shape == NULL || take(m, 2) == 0) {
        put(m, "facts.");
        shape = &fhi_shape_facts;
    } else {
        put(m, "input.");
    }
    put(m, shape->members[take(m, shape->count)].name);
}

static void put_value(maker *m, uint32_t depth);

static void put_table(maker *m, uint32_t depth)
{
    put(m, "{ ");
    for (uint32_t i = take(m, ENTRIES_MAX); i > 0; i--) {
        switch (take(m, 5)) {
        case 0:
            put_value(m, depth + 1);
            break;
        case 1:
            put(m, "[");
            put_number(m);
            put(m, "] = ");
            put_value(m, depth + 1);
            break;
        case 2:
            put(m, "[");
            put_quoted(m);
            put(m, "] = ");
            put_value(m, depth + 1);
            break;
        default:
            put(m, "[\"");
            put(m, contract_word(m));
            put(m, "\"] = ");
            put_value(m, depth + 1);
            break;
        }
        put(m, ", ");
    }
    put(m, "}");
}

static void put_value(maker *m, uint32_t depth)
{
    static const char *const objects[] = {
        "nil",
        "true",
        "false",
        "self",
        "facts",
        "input",
        "self.state",
        "kept",
        "self.options",
        "self.base",
        "string",
        "_ENV",
        "error",
        "self.name",
        "facts.heaps",
        "function() end",
        "tostring(input)",
        "#kept",
        "kept[1]",
        "pairs(kept)",
        "input and input.tag",
        "input and input.usage",
        "math.max(1, 2)",
    };
    switch (take(m, depth < DEPTH_MAX ? 7 : 4)) {
    case 0:
        put(m, PICK(m, objects));
        break;
    case 1:
        put_number(m);
        break;
    case 2:
        put_quoted(m);
        break;
    case 3:
        put(m, "\"");
        put(m, contract_word(m));
        put(m, "\"");
        break;
    case 4:
        put_fact(m);
        break;
    default:
        put_table(m, depth);
        break;
    }
}

/* Something that a hook does before it answers. */
static void put_statement(maker *m)
{
    switch (take(m, 8)) {
    case 0:
        put(m, "self.state.");
        put(m, take(m, 2) == 0 ? "a" : "b");
        put(m, " = ");
        put_value(m, 2);
        break;
    case 1:
        put(m, "pcall(function() self.state[");
        put_value(m, 3);
        put(m, "] = ");
        put_value(m, 2);
        put(m, " end)");
        break;
    case 2:
        put(m, "kept = ");
        put_value(m, 2);
        break;
    case 3:
        put(m, "pcall(");
        {
            uint32_t count = 0;
            while (fhi_environment_names[count] != NULL) {
                count++;
            }
            put(m, fhi_environment_names[take(m, count)]);
        }
        for (uint32_t i = take(m, 4); i > 0; i--) {
            put(m, ", ");
            put_value(m, 3);
        }
        put(m, ")");
        break;
    case 4:
        put(m, "for k, v in pairs(");
        put_value(m, 3);
        put(m, ") do kept[k] = v end");
        break;
    case 5:
        put(m, "log(\"%s %s\", ");
        put_value(m, 2);
        put(m, ", ");
        put_value(m, 2);
        put(m, ")");
        break;
    default:
        break;
    }
    put(m, "\n");
}

static void put_policy(maker *m)
{
    put(m, "local kept = {}\nreturn {\n");
    if (take(m, 3) == 0) {
        m->hook = FH_HOOK_COUNT;
        put(m, "options = { a = ");
        put_table(m, 0);
        put(m, ", b = { type = \"bytes\", default = ");
        put_value(m, DEPTH_MAX);
        put(m, " } },\nplace_steps = ");
        put_table(m, DEPTH_MAX - 1);
        put(m, ",\n");
    }
    for (fh_hook hook = FH_HOOK_PLACE; hook < FH_HOOK_COUNT; hook++) {
        m->hook = hook;
        if (take(m, 4) != 0) {
            continue;
        }
        put(m, fh_hook_name(hook));
        put(m, hook == FH_HOOK_LIMITS ? " = function(self, facts) local input = facts\n"
                                      : " = function(self, input, facts)\n");
        for (uint32_t i = take(m, 4); i > 0; i--) {
            put_statement(m);
        }
        put(m, "return ");
        put_value(m, 0);
        put(m, "\nend,\n");
    }
    put(m, "}\n");
}

/* ---- the target ---- */

static void run(const char *text, size_t size)
{
    const hostile_desc desc = {.name = "fuzz.lua", .text = text, .size = size, .calls = 2};
    uint64_t limit_ns = HOSTILE_CPU_NS * hostile_slowness();
    static hostile_result first;
    static hostile_result result;
    uint64_t best_ns = UINT64_MAX;
    for (int i = 0; i < RUNS && (i < 2 || best_ns > limit_ns); i++) {
        hostile_run(&desc, &result);
        if (result.fault[0] != '\0') {
            fprintf(stderr, "%s\n%s\n", result.fault, result.report.text);
            abort();
        }
        if (i == 0) {
            first = result;
        } else if (!first.by_time && !result.by_time && first.sum != result.sum) {
            fprintf(stderr, "it is not twice the same\n%s\n%s\n", first.report.text,
                    result.report.text);
            abort();
        }
        best_ns = result.longest_ns < best_ns ? result.longest_ns : best_ns;
    }
    if (best_ns > limit_ns) {
        fprintf(stderr, "%s takes %llu us\n", result.longest, (unsigned long long)(best_ns / 1000));
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    static char text[HOSTILE_TEXT_MAX];
    size_t size;
    if (length > 0 && data[0] == 0) {
        maker m = {.at = data + 1, .end = data + length, .out = text, .room = 60000};
        put_policy(&m);
        size = m.size;
    } else {
        size = hostile_expand((const char *)data, length, text);
    }
    if (getenv("FREEHOLD_VERBOSE") != NULL) {
        fprintf(stderr, "%.*s\n", (int)size, text);
    }
    run(text, size);
    return 0;
}

/* ---- mutating ---- */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned int seed);

/* Words of the language, next to those of the environment. */
static const char *const language[] = {
    " and ",
    " do ",
    " end ",
    " for i = 1, 9 do ",
    " function() ",
    " goto a ",
    " if x then ",
    " in ",
    " local ",
    " nil ",
    " not ",
    " or ",
    " repeat ",
    " return ",
    " then ",
    " until ",
    " while true do ",
    "::a::",
    " << ",
    " .. ",
    " // ",
    "...",
    "#",
    "self.state.",
    "self.options.",
    "facts.heaps[1].",
    "request.",
    "pcall(",
    "error(",
    "0/0",
    "1e300",
    "math.huge",
    "\"\\27[2J\"",
    "(\"x\"):rep(9000)",
    "--+ 3000 ",
    "{ ",
    " }",
    ", ",
    "\n",
};

/* Half of the time a word is put in; libFuzzer's own mutations else. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned int seed)
{
    if (size == 0 || data[0] == 0 || seed % 2 == 0) {
        return LLVMFuzzerMutate(data, size, room);
    }
    uint32_t names = 0;
    while (fhi_environment_names[names] != NULL) {
        names++;
    }
    const uint32_t words = (uint32_t)(sizeof language / sizeof language[0]);
    uint32_t choice = seed / 2 % (names + words);
    const char *word = choice < names ? fhi_environment_names[choice] : language[choice - names];
    size_t length = strlen(word);
    size_t at = seed / 7 % (size + 1);
    if (size + length > room) {
        return LLVMFuzzerMutate(data, size, room);
    }
    memmove(data + at + length, data + at, size - at);
    memcpy(data + at, word, length);
    return size + length;
}
