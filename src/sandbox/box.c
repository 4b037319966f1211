/* The collector is stopped but for steps of a fixed amount of work, outside of scripts: inside, it
 * would take its time at moments that depend on the machine, and its work would count as theirs. A
 * tick makes one step, when there is something to collect. A program that calls many hooks and does
 * not tick gets them at the ends of calls, more of them the more memory is in use; and a whole
 * cycle when a script has filled much of it, lest the next call finds no room. */

#include "sandbox/box.h"

#include "sandbox/env.h"
#include "sandbox/trace.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/compiler.h"

#include <stdio.h>
#include <string.h>

enum {
    PIECE = 128, /* bytes that the compiler gets between two looks at the clock */
    PIECE_UNITS = 2 * PIECE,
    SETUP_CHARGE = 10 * 1000 * 1000,
    LOG_LINES = 16,
    NAME_MAX_BYTES = 255,
    STEP_LOG2 = 10,          /* bytes to collect in a step; with 100 % about 6,500 objects */
    STEP_EVERY = 256 * 1024, /* bytes, without a tick */
    STEP_MORE = 512 * 1024,  /* bytes in use for each step more */
    STEP_MOST = 6,           /* at the end of a call */
    CYCLE_EVERY = 64 * 1024, /* bytes since the last cycle, below which there is no other one */
    FULL_ABOVE = FHI_MEMORY_MAX * 2 / 3,
    FULL_EVERY = 1024 * 1024 /* bytes since the last cycle, or half of the room it left */
};

/* ---- being ---- */

static int set_up(lua_State *L)
{
    fhi_env_push(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS); /* what lua_load() makes the _ENV */
    return 0;
}

bool fhi_box_init(fhi_box *box, const fhi_engine_host *host, void *owner)
{
    *box = (fhi_box){.host = *host, .owner = owner, .cpu_ns = FHI_CPU_NS};
    fhi_arena_init(&box->arena, &host->memory);
    box->arena.held_limit = FHI_MEMORY_HARD;
    fhi_locale_init(&box->locale);
    lua_State *L = lua_newstate(fhi_meter_alloc, box);
    if (L == NULL) {
        fhi_box_finish(box);
        return false;
    }
    *(fhi_box **)lua_getextraspace(L) = box;
    box->L = L;
    lua_gc(L, LUA_GCSTOP);
    lua_gc(L, LUA_GCINC, 0, 100, STEP_LOG2);
    if (fhi_box_run(box, set_up, NULL, SETUP_CHARGE, NULL) != FH_OUTCOME_DECIDED) {
        fhi_box_finish(box);
        return false;
    }
    box->cycle_bytes = box->collected_bytes = box->arena.used_bytes;
    return true;
}

void fhi_box_finish(fhi_box *box)
{
    if (box->arena.memory.free != NULL) {
        fhi_arena_finish(&box->arena);
    }
    fhi_locale_finish(&box->locale);
    *box = (fhi_box){.L = NULL};
}

/* ---- collecting ---- */

static void step(fhi_box *box, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        box->cycle = lua_gc(box->L, LUA_GCSTEP, 0) == 0;
        if (!box->cycle) {
            box->cycle_bytes = box->arena.used_bytes;
            break;
        }
    }
    box->collected_bytes = box->arena.used_bytes;
}

void fhi_box_step(fhi_box *box)
{
    if (box->cycle || box->arena.used_bytes > box->cycle_bytes + CYCLE_EVERY) {
        step(box, 1);
    }
}

/* There is little room left, and some of what is used is garbage that the steps of ticks, which do
 * the same work whatever is in use, were too slow for. */
static bool is_filling(const fhi_box *box)
{
    uint64_t used = box->arena.used_bytes;
    if (FHI_LIKELY(used <= FULL_ABOVE)) {
        return false;
    }
    uint64_t room = box->cycle_bytes < FHI_MEMORY_MAX ? FHI_MEMORY_MAX - box->cycle_bytes : 0;
    return used > box->cycle_bytes + (room / 2 < FULL_EVERY ? room / 2 : FULL_EVERY);
}

FHI_COLD void collect(fhi_box *box)
{
    uint64_t used = box->arena.used_bytes;
    if (is_filling(box)) {
        lua_gc(box->L, LUA_GCCOLLECT);
        box->cycle = false;
        box->cycle_bytes = box->collected_bytes = box->arena.used_bytes;
        return;
    }
    uint64_t count = 1 + used / STEP_MORE;
    step(box, count < STEP_MOST ? (uint32_t)count : STEP_MOST);
}

/* ---- running ---- */

static fh_outcome end_of_run(fhi_box *box, int status)
{
    lua_State *L = box->L;
    bool over = box->meter.charge > box->meter.limit; /* by what came after the last look */
    if (FHI_LIKELY(status == LUA_OK && box->meter.stop == FHI_STOP_NONE && !over)) {
        return FH_OUTCOME_DECIDED;
    }
    if (status == LUA_ERRMEM || over) {
        fhi_meter_stop(L, over ? FHI_STOP_CHARGE : FHI_STOP_MEMORY);
    }
    bool stopped = box->meter.stop != FHI_STOP_NONE;
    fhi_report *report = box->report;
    if (report != NULL && report->text[0] == '\0') {
        /* Nothing was said on the way: memory that ran out, or an error while one was handled. */
        const char *sentence = stopped ? fhi_stop_sentence(box->meter.stop) : "it failed";
        snprintf(report->text, sizeof report->text, "%s", sentence);
    }
    return stopped ? FH_OUTCOME_STOPPED : FH_OUTCOME_FAILED;
}

int fhi_box_begin(fhi_box *box, uint64_t charge_limit, fhi_report *out_report)
{
    lua_State *L = box->L;
    FH_ASSERT(!box->meter.running);
    if (out_report != NULL) {
        out_report->text[0] = '\0';
    }
    box->report = out_report;
    box->line = 0;
    box->log_left = LOG_LINES;
    box->locale_before = fhi_locale_enter(&box->locale);
    fhi_meter_begin(L, charge_limit, box->cpu_ns);
    lua_pushcfunction(L, fhi_trace_handler);
    return lua_gettop(L);
}

int fhi_box_call_outside(fhi_box *box, int arguments, int handler)
{
    box->line = 0;
    box->outside = 1;
    int status = lua_pcall(box->L, arguments, 1, handler);
    box->outside = 0;
    return status;
}

fh_outcome fhi_box_end(fhi_box *box, int status, int handler)
{
    lua_State *L = box->L;
    fh_outcome outcome = end_of_run(box, status);
    lua_settop(L, handler - 1);
    fhi_meter_end(L);
    fhi_locale_leave(box->locale_before);
    box->outside = 0;
    box->report = NULL;
    if (FHI_UNLIKELY(box->arena.used_bytes > box->collected_bytes + STEP_EVERY ||
                     is_filling(box))) {
        collect(box);
    }
    return outcome;
}

fh_outcome fhi_box_run(fhi_box *box, lua_CFunction body, void *argument, uint64_t charge_limit,
                       fhi_report *out_report)
{
    int handler = fhi_box_begin(box, charge_limit, out_report);
    lua_pushcfunction(box->L, body);
    lua_pushlightuserdata(box->L, argument);
    return fhi_box_end(box, lua_pcall(box->L, 1, 0, handler), handler);
}

void fhi_box_call(lua_State *L, int arguments, int results)
{
    fhi_box *box = fhi_box_of(L);
    box->line = 0;
    box->outside = 2; /* behind the function and the body */
    lua_call(L, arguments, results);
    box->outside = 0;
}

void fhi_box_log(lua_State *L, fh_log_level level, const char *line)
{
    fhi_box *box = fhi_box_of(L);
    if (box->host.log != NULL) {
        fhi_locale_leave(box->locale_before);
        box->host.log(box->host.context, level, line);
        fhi_locale_enter(&box->locale);
    }
}

/* ---- compiling ---- */

typedef struct source {
    const char *text;
    size_t left;
} source;

static const char *read_piece(lua_State *L, void *data, size_t *out_size)
{
    source *from = data;
    fhi_box_of(L)->meter.look_at = 0; /* at the clock, every time */
    fhi_charge(L, PIECE_UNITS);
    const char *piece = from->text;
    *out_size = from->left < PIECE ? from->left : PIECE;
    from->text += *out_size;
    from->left -= *out_size;
    return piece;
}

/* What is wrong, with the error on top of the stack, if `status` says that there is one. */
static void report_compile(fhi_box *box, int status, const char *name, fhi_report *out_report)
{
    const char *message = "it cannot be compiled";
    size_t size = 0;
    if (box->meter.stop != FHI_STOP_NONE && status != LUA_ERRSYNTAX) {
        message = fhi_stop_sentence(box->meter.stop);
    } else if (lua_type(box->L, -1) == LUA_TSTRING) {
        message = lua_tolstring(box->L, -1, &size);
    }
    fhi_trace_compile(out_report, name, message, size > 0 ? size : strlen(message));
}

bool fhi_box_compile(fhi_box *box, const char *text, size_t size, const char *name,
                     fhi_report *out_report)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* of UTF-8, which some editors put in front */
    lua_State *L = box->L;
    bool inside = box->meter.running;
    fhi_report *outer_report = box->report;
    void *before = NULL;
    if (!inside) {
        before = fhi_locale_enter(&box->locale);
        fhi_meter_begin(L, UINT64_MAX, FHI_COMPILE_CPU_NS);
        box->meter.wall_ns = fhi_now_ns();
        box->meter.cpu_base_ns = fhi_thread_cpu_ns();
    }
    source from = {text, size};
    if (size >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) {
        from = (source){text + (sizeof mark - 1), size - (sizeof mark - 1)};
    }
    char chunk[NAME_MAX_BYTES + 2];
    snprintf(chunk, sizeof chunk, "@%s", name);
    fhi_report ours;
    ours.text[0] = '\0';
    box->report = NULL; /* a reader that raises has no place in a script to tell of */
    box->meter.compiling = true;
    int status = lua_load(L, read_piece, &from, chunk, "t");
    box->meter.compiling = false;
    box->report = outer_report;
    bool compiled = status == LUA_OK && box->meter.stop == FHI_STOP_NONE;
    if (!compiled) {
        if (status == LUA_ERRMEM) {
            fhi_meter_stop(L, FHI_STOP_MEMORY);
        }
        report_compile(box, status, chunk + 1, &ours);
        lua_pop(L, 1);
    }
    if (!inside) {
        fhi_meter_end(L);
        fhi_locale_leave(before);
    }
    if (out_report != NULL) {
        *out_report = ours;
    }
    return compiled;
}
