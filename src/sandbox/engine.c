/* The table that libfreehold_script.so.0 exports. */

#include "sandbox/report.h"
#include "sandbox/version.h"

#include <string.h>

static const char *name(const fhi_version *version)
{
    return version->name;
}

static const char *notes(const fhi_version *version)
{
    return version->notes;
}

static uint32_t hooks(const fhi_version *version)
{
    return version->hooks;
}

static const uint64_t *place_steps(const fhi_version *version, uint32_t *out_count)
{
    *out_count = version->place_step_count;
    return version->place_steps;
}

/* ---- options ---- */

static uint32_t option_count(const fhi_version *version)
{
    return version->options.count;
}

static void option(const fhi_version *version, uint32_t index, fh_option_info *out_info)
{
    memset(out_info, 0, sizeof *out_info);
    if (index < version->options.count) {
        *out_info = version->options.options[index];
    }
}

typedef struct setting {
    fhi_version *version;
    const char *name, *value;
    fhi_report *report;
    bool set;
} setting;

static int run_set(lua_State *L)
{
    setting *s = lua_touserdata(L, 1);
    s->set = fhi_options_set(L, &s->version->options, s->name, s->value, s->report);
    return 0;
}

static bool set_option(fhi_version *version, const char *name, const char *value,
                       fhi_report *out_report)
{
    fhi_report ignored;
    setting s = {version, name, value, out_report != NULL ? out_report : &ignored, false};
    s.report->text[0] = '\0';
    fhi_box_run(&version->box, run_set, &s, FHI_CHARGE_HOOK, s.report);
    return s.set;
}

/* ---- state ---- */

static uint64_t state_serial(const fhi_version *version)
{
    return version->state.serial;
}

/* A script that fills its memory is stopped at every object more. Its state can still be saved,
 * lest it could not be replaced by a better one. */
typedef struct keeping {
    fhi_version *version;
    fhi_state *out;
    const fhi_state *in;
    bool done;
} keeping;

static int run_save(lua_State *L)
{
    keeping *k = lua_touserdata(L, 1);
    fhi_state_begin(L, &k->version->state, false);
    fhi_state_save(L, &k->version->state, k->out);
    k->done = true;
    return 0;
}

static bool state_save(fhi_version *version, fhi_state *out_state)
{
    keeping k = {.version = version, .out = out_state};
    out_state->size = 0;
    fhi_box_run(&version->box, run_save, &k, FHI_CHARGE_LOAD, NULL);
    if (!k.done) {
        out_state->size = 0;
    }
    return k.done;
}

static int run_restore(lua_State *L)
{
    keeping *k = lua_touserdata(L, 1);
    fhi_state_load(L, &k->version->state, k->in);
    k->done = true;
    return 0;
}

static bool state_restore(fhi_version *version, const fhi_state *state)
{
    keeping k = {.version = version, .in = state};
    fhi_box_run(&version->box, run_restore, &k, FHI_CHARGE_LOAD, NULL);
    return k.done;
}

/* No hook runs now, so the room for its undoing is free: the text is made from a copy, outside of
 * the box, where `write` may do what it likes. */
static fh_result state_json(fhi_version *version, fh_write_fn write, void *context)
{
    fhi_state *copy = &version->state.undo;
    if (version->state.pending || !state_save(version, copy)) {
        return FH_ERR_HOST_MEMORY;
    }
    return fhi_state_json(copy, write, context);
}

static void state_size(const fhi_version *version, uint64_t *out_bytes, uint64_t *out_count)
{
    *out_bytes = version->state.bytes;
    *out_count = version->state.count;
}

/* ---- the rest ---- */

static void step(fhi_version *version)
{
    fhi_box_step(&version->box);
}

static uint64_t memory(const fhi_version *version)
{
    return version->box.arena.held_bytes;
}

const fhi_engine *fhi_script_engine(uint32_t abi)
{
    static const fhi_engine engine = {
        .abi = FHI_ENGINE_ABI,
        .version = FH_VERSION_STRING,
        .create = fhi_version_create,
        .destroy = fhi_version_destroy,
        .name = name,
        .notes = notes,
        .hooks = hooks,
        .place_steps = place_steps,
        .call = fhi_version_call,
        .option_count = option_count,
        .option = option,
        .set_option = set_option,
        .state_serial = state_serial,
        .state_save = state_save,
        .state_restore = state_restore,
        .migrate = fhi_version_migrate,
        .state_json = state_json,
        .state_size = state_size,
        .step = step,
        .memory = memory,
    };
    return abi == FHI_ENGINE_ABI ? &engine : NULL;
}
