/* How much of the charge each thing is:
 *
 *   instructions    1 unit each, FHI_METER_PERIOD at a time, which take some 400 ns. Some are slow
 *                   on purpose: comparing two strings of 16 KiB that are all zeros takes 300 us,
 *                   for Lua compares from zero to zero. So once a string was made that is long
 *                   enough for that, the hook comes every few instructions, and each of them costs
 *                   more. In a dry run the first ones are counted one by one, so that people see
 *                   what a short hook costs.
 *   returns         RETURN_UNITS: calls are slower than other instructions.
 *   objects         OBJECT_UNITS, and one for each 32 bytes. Not so the parts of tables: when they
 *                   grow depends on the seed of Lua's hashes, which differs from run to run. They
 *                   only bring the next look at the clock nearer. Of short strings Lua keeps one of
 *                   each, so whether one is made depends on what was collected; but what is
 *                   collected does not depend on any clock (box.c).
 *   library calls   what they say.
 *
 * The clocks: thread-CPU time takes 400 ns to read, the monotonic clock 20. So the first is read
 * only when the second has moved on by FIRST_LOOK_NS, or later by NEXT_LOOK_NS; that one is read at
 * every hook, and when library calls or objects made LOOK_UNITS. A call that ends before its
 * hundredth instruction reads no clock. Where a hundred instructions took long, which may be
 * because the thread was preempted, there are more looks in the next hundred; the charge does not
 * notice. What has piled up in memory counts as time, for it must be collected.
 *
 * Some parts of objects are refused after all, for Lua does too much with them at once: when a
 * table whose keys all collide gets a new block of nodes, each key walks past all those before it,
 * which takes 2 ms for a thousand keys, and 30 for four thousand. */

#include "sandbox/meter.h"

#include "sandbox/box.h"
#include "sandbox/trace.h"

#include "base/bits.h"
#include "base/clock.h"
#include "base/compiler.h"

enum {
    LOOK_UNITS = 1000,
    EXACT_UNITS = 500, /* counted one by one in a dry run */
    FIRST_LOOK_NS = 250 * 1000,
    NEXT_LOOK_NS = 100 * 1000,
    SLOW_NS = 20 * 1000, /* for FHI_METER_PERIOD instructions */
    SLOW_PERIOD = 10,    /* instructions, from then on */
    RETURN_UNITS = 4,
    OBJECT_UNITS = 25,
    STRING_UNITS = 40, /* they come with conversions and copies */
    OBJECT_BYTES = 32, /* a unit */
    PART_BYTES = 16,   /* a unit until the next look */
    BYTES_PER_NS = 4,  /* of garbage that is collected */
    STRING_HEADER = 32,
    NODE_BYTES = 24,           /* of a table's key and value, as Lua has them */
    NODE_NS = 2,               /* to fill a table whose keys collide, times the square of nodes */
    NODES_LOOK = 512,          /* from which that is looked at */
    OVERTIME_NS = 1000 * 1000, /* that may be taken for it */
    FIRST_STRINGS = 128        /* entries in Lua's table of strings when a state is made */
};

/* What is raised when a script is stopped: no string, since making one takes memory. Nobody sees
 * it. */
static const char stopped_key = 0;

const char *fhi_stop_sentence(fhi_stop stop)
{
    switch (stop) {
    case FHI_STOP_CHARGE:
        return "it ran too long: its charge is used up";
    case FHI_STOP_TIME:
        return "it ran too long: its time is used up";
    case FHI_STOP_MEMORY:
        return "it took too much memory";
    case FHI_STOP_NONE:
    default:
        return "";
    }
}

/* ---- stopping ---- */

static void on_hook(lua_State *L, lua_Debug *record);

static void arm(lua_State *L, fhi_meter *meter, uint32_t period)
{
    meter->period = period;
    lua_sethook(L, on_hook, LUA_MASKCOUNT | LUA_MASKRET, (int)period);
}

static uint32_t usual_period(const fhi_meter *meter)
{
    return meter->fine ? FHI_METER_FINE : FHI_METER_PERIOD;
}

/* What is charged at once. */
static uint32_t whole_period(const fhi_meter *meter)
{
    return meter->exact ? 1 : usual_period(meter);
}

void fhi_meter_stop(lua_State *L, fhi_stop why)
{
    fhi_meter *meter = &fhi_box_of(L)->meter;
    if (meter->stop == FHI_STOP_NONE) {
        meter->stop = why;
        meter->look_at = 0;
        arm(L, meter, 1);
    }
}

int fhi_meter_raise(lua_State *L)
{
    fhi_trace_stop(L);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&stopped_key);
    return lua_error(L);
}

/* ---- looking ---- */

static uint64_t next_look(const fhi_meter *meter)
{
    if (meter->charge >= meter->limit) {
        return meter->limit < UINT64_MAX ? meter->limit + 1 : UINT64_MAX;
    }
    uint64_t left = meter->limit - meter->charge;
    return meter->charge + (left < LOOK_UNITS ? left + 1 : LOOK_UNITS);
}

static void look_at_clock(lua_State *L, fhi_box *box)
{
    fhi_meter *meter = &box->meter;
    uint64_t now = fhi_now_ns();
    meter->look_ns = now;
    if (meter->wall_ns == 0) {
        meter->wall_ns = now;
        return;
    }
    if (now - meter->wall_ns < (meter->cpu_base_ns == 0 ? FIRST_LOOK_NS : NEXT_LOOK_NS)) {
        return;
    }
    meter->wall_ns = now;
    uint64_t cpu = fhi_thread_cpu_ns();
    if (meter->cpu_base_ns == 0) {
        meter->cpu_base_ns = cpu - FIRST_LOOK_NS;
        return;
    }
    if (cpu - meter->cpu_base_ns + box->arena.used_bytes / BYTES_PER_NS > meter->cpu_limit_ns) {
        fhi_meter_stop(L, FHI_STOP_TIME);
    }
}

/* The limit and the clock; raises. */
static void look(lua_State *L, fhi_box *box)
{
    fhi_meter *meter = &box->meter;
    if (meter->stop == FHI_STOP_NONE) {
        meter->look_at = next_look(meter);
        if (meter->charge > meter->limit) {
            fhi_meter_stop(L, FHI_STOP_CHARGE);
        } else {
            look_at_clock(L, box);
        }
    }
    if (meter->stop != FHI_STOP_NONE) {
        fhi_meter_raise(L);
    }
}

/* The clock alone, between two looks at the limit, which are at the same instructions on every
 * machine. */
static void look_between(lua_State *L, fhi_box *box)
{
    if (box->meter.stop == FHI_STOP_NONE) {
        look_at_clock(L, box);
    }
    if (box->meter.stop != FHI_STOP_NONE) {
        fhi_meter_raise(L);
    }
}

/* The outermost script function is the one that there is nothing of a script's behind. */
static void note_line(lua_State *L, fhi_box *box, lua_Debug *record)
{
    lua_Debug outer;
    if (box->outside != 0 && lua_getstack(L, box->outside, &outer) == 0 &&
        lua_getinfo(L, "l", record) != 0 && record->currentline > 0) {
        box->line = (uint32_t)record->currentline;
    }
}

/* A hundred instructions are complete: how closely are the next ones to be looked at? Changed here
 * and nowhere else, so that no instruction is charged twice or not at all. */
static void adapt(lua_State *L, fhi_meter *meter)
{
    bool was_slow = meter->period < usual_period(meter);
    bool is_slow = meter->look_ns - meter->whole_ns > SLOW_NS && meter->whole_ns != 0;
    meter->whole_ns = meter->look_ns;
    if (meter->exact && meter->charge > EXACT_UNITS) {
        meter->exact = false;
        arm(L, meter, usual_period(meter));
    } else if (!meter->exact && is_slow != was_slow && !meter->fine) {
        arm(L, meter, is_slow ? SLOW_PERIOD : FHI_METER_PERIOD);
    }
}

static void on_hook(lua_State *L, lua_Debug *record)
{
    fhi_box *box = fhi_box_of(L);
    fhi_meter *meter = &box->meter;
    if (record->event != LUA_HOOKCOUNT) {
        meter->charge += RETURN_UNITS;
        note_line(L, box, record);
        return;
    }
    meter->pending += meter->period;
    if (meter->pending < whole_period(meter)) {
        look_between(L, box);
        return;
    }
    meter->charge += (uint64_t)meter->pending * (meter->fine ? FHI_METER_FINE_COST : 1);
    meter->pending = 0;
    look(L, box);
    adapt(L, meter);
}

/* ---- charging ---- */

void fhi_meter_begin(lua_State *L, uint64_t charge_limit, uint64_t cpu_ns)
{
    fhi_box *box = fhi_box_of(L);
    fhi_meter *meter = &box->meter;
    meter->charge = 0;
    meter->limit = charge_limit;
    meter->look_at = next_look(meter);
    meter->stop = FHI_STOP_NONE;
    meter->running = true;
    meter->exact = box->dry;
    meter->whole_ns = 0;
    meter->pending = 0;
    meter->wall_ns = 0;
    meter->cpu_base_ns = 0;
    meter->cpu_limit_ns = cpu_ns;
    arm(L, meter, whole_period(meter));
}

void fhi_meter_end(lua_State *L)
{
    fhi_meter *meter = &fhi_box_of(L)->meter;
    meter->running = false;
    meter->look_at = UINT64_MAX;
}

void fhi_charge(lua_State *L, uint64_t units)
{
    fhi_box *box = fhi_box_of(L);
    fhi_meter *meter = &box->meter;
    const uint64_t most = UINT64_MAX / 2; /* so that nothing added later goes round */
    bool fits = units < most && meter->charge < most;
    meter->charge = fits ? meter->charge + units : most;
    if (FHI_UNLIKELY(meter->charge >= meter->look_at) && meter->running) {
        look(L, box);
    }
}

void fhi_charge_bytes(lua_State *L, uint64_t size)
{
    fhi_charge(L, size / 16 + 1);
}

/* ---- memory ---- */

/* The keys of a table that are not its list's are in one block, of a power of two of nodes: how
 * many are in a block of `size` bytes; 0 = it is something else. */
static uint64_t nodes_in(size_t size)
{
    uint64_t nodes = size / NODE_BYTES;
    return nodes * NODE_BYTES == size && fhi_is_power_of_two(nodes) ? nodes : 0;
}

/* May so many nodes be filled? Not when that could take much longer than there is time. A table of
 * the compiler's only grows, so half of its nodes move at once; a script can have all of them
 * move. */
static bool may_fill(lua_State *L, fhi_meter *meter, uint64_t nodes)
{
    if (nodes < NODES_LOOK) {
        return true;
    }
    if (nodes > (meter->compiling ? FHI_NAMES_MAX : FHI_KEYS_MAX)) {
        return false;
    }
    uint64_t moved = meter->compiling ? nodes / 2 : nodes;
    uint64_t limit = meter->cpu_limit_ns + (meter->compiling ? 0 : OVERTIME_NS);
    uint64_t cpu = fhi_thread_cpu_ns();
    if (meter->cpu_base_ns == 0) {
        meter->cpu_base_ns = cpu - FIRST_LOOK_NS; /* or what follows would not be counted */
    }
    if (cpu - meter->cpu_base_ns + moved * moved * NODE_NS > limit) {
        fhi_meter_stop(L, FHI_STOP_TIME);
        return false;
    }
    return true;
}

/* A block of `new_size` bytes is wanted, more than there were; `kind` as Lua says it for new ones,
 * 0 for parts of objects. False: not that one. Raises nothing. */
static bool note_growth(fhi_box *box, const void *block, size_t kind, size_t old_size,
                        size_t new_size)
{
    fhi_meter *meter = &box->meter;
    bool is_string = kind == LUA_TSTRING;
    bool is_part = kind == 0;
    bool grants = true;
    bool stops = box->arena.used_bytes + (new_size - old_size) > FHI_MEMORY_MAX;
    if (is_part) {
        uint64_t nearer = new_size / PART_BYTES;
        meter->look_at = meter->look_at > nearer ? meter->look_at - nearer : 0;
        grants = new_size <= FHI_BLOCK_MAX || (block != NULL && block == meter->strings);
        grants = grants && (block != NULL || may_fill(box->L, meter, nodes_in(new_size)));
    } else {
        meter->charge += (is_string ? STRING_UNITS : OBJECT_UNITS) + new_size / OBJECT_BYTES;
        stops = stops || new_size > (is_string ? (size_t)FHI_STRING_MAX + STRING_HEADER
                                               : (size_t)FHI_BLOCK_MAX);
    }
    if (is_string && new_size > FHI_LONG_STRING + STRING_HEADER && !meter->fine) {
        meter->fine = true;
        meter->pending = 0;
        if (meter->period > FHI_METER_FINE) {
            arm(box->L, meter, FHI_METER_FINE);
        }
    }
    if (stops || !grants) {
        fhi_meter_stop(box->L, FHI_STOP_MEMORY);
    } else if (meter->charge >= meter->look_at && meter->stop == FHI_STOP_NONE) {
        /* The limit waits for the hook or the next charge: this is no place to raise. */
        meter->look_at = next_look(meter);
        look_at_clock(box->L, box);
    }
    return grants;
}

void *fhi_meter_alloc(void *context, void *block, size_t old_size, size_t new_size)
{
    fhi_box *box = context;
    fhi_meter *meter = &box->meter;
    size_t kind = block == NULL ? old_size : 0;
    if (block == NULL) {
        old_size = 0;
    }
    bool grows = new_size > old_size && meter->running;
    void *moved = NULL;
    if (!grows || note_growth(box, block, kind, old_size, new_size)) {
        moved = fhi_arena_resize(&box->arena, block, old_size, new_size);
    }
    if (FHI_UNLIKELY(moved == NULL) && grows) {
        fhi_meter_stop(box->L, FHI_STOP_MEMORY);
        fhi_trace_stop(box->L); /* what Lua raises now, it tells no handler of */
    }
    if (FHI_UNLIKELY(block != NULL && block == meter->strings)) {
        meter->strings = moved != NULL || new_size == 0 ? moved : block;
    }
    if (FHI_UNLIKELY(box->L == NULL) && meter->strings == NULL && kind == 0 &&
        new_size == FIRST_STRINGS * sizeof(void *)) {
        meter->strings = moved; /* the only block of that size while a state is made */
    }
    return moved;
}
