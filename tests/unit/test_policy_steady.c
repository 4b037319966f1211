/* The long run, of the real engine on a device: what is asked every frame or for every request
 * takes no host memory; thousands of versions leave nothing behind; and what was once in force
 * (limits, options that were set by hand) stays, whatever becomes of the script. */

#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier) */

#include "card_checks.h"

#include "sandbox/meter.h"
#include "script/policy.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    TICKS = 1000,
    REQUESTS = 100000,
    RELOADS = 10000,
    ROLLBACKS = 2000,
    WARM_UP = 1000 /* ticks, until all has its size */
};

typedef struct stage {
    card card;
    test_memory memory;
    fh_policy *policy;
    fh_policy_status status; /* large */
    char path[64];
} stage;

static int set_up(void **state)
{
    stage *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return -1;
    }
    snprintf(s->path, sizeof s->path, "/tmp/freehold-XXXXXX");
    int file = mkstemp(s->path);
    if (file < 0) {
        free(s);
        return -1;
    }
    close(file);
    test_memory_init(&s->memory);
    card_small(&s->card);
    s->card.desc.memory = &s->memory.host;
    check_open(&s->card);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    stage *s = *state;
    fh_policy_release(s->policy);
    check_close(&s->card);
    test_memory_finish(&s->memory);
    remove(s->path);
    free(s);
    return 0;
}

static void load(stage *s, const fh_policy_source *source)
{
    fh_policy_release(s->policy);
    fh_result result =
        fh_policy_load(s->card.device, &(fh_policy_desc){.source = *source}, &s->policy);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
}

static void load_text(stage *s, const char *text)
{
    load(s, &(fh_policy_source){.text = text});
}

static void write_text(const stage *s, const char *text)
{
    FILE *file = fopen(s->path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void load_file(stage *s, const char *text)
{
    write_text(s, text);
    load(s, &(fh_policy_source){.path = s->path});
}

static void tick(const stage *s)
{
    CHECK_OK(fh_device_tick(s->card.device));
}

/* Write it, read it again, and tick. */
static void renew(stage *s, const char *text)
{
    write_text(s, text);
    fh_result result = fh_policy_reload(s->policy);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    tick(s);
}

static const fh_script_status *look(stage *s)
{
    CHECK_OK(fh_policy_get_status(s->policy, &s->status));
    return &s->status.scripts[0];
}

/* Nothing of that hook ever failed. */
static void check_well(stage *s, fh_hook hook)
{
    const fh_script_status *script = look(s);
    if (script->hooks[hook].failed > 0) {
        fail_msg("%s failed: %s", fh_hook_name(hook), script->error);
    }
    CHECK_EQUAL(script->hooks[hook].busy, 0);
}

/* Bytes of the Lua state now; the status has those of the last tick. */
static uint64_t bytes_of(const stage *s)
{
    const fhi_edition *edition = atomic_load(&s->policy->scripts[0].current);
    return s->policy->engine->memory(edition->version);
}

/* What `place` makes of a request of that size. */
static float priority_of(const stage *s, uint64_t size)
{
    fh_parcel buffer = check_buffer(&s->card, size);
    float priority = check_info(&s->card, buffer).priority;
    check_release(&s->card, buffer);
    return priority;
}

/* ---- what is asked all the time ---- */

static void a_frame_hook_takes_no_host_memory(void **state)
{
    stage *s = *state;
    load_text(s, "return {\n"
                 "    options = { most = { type = 'bytes', default = '48MiB' } },\n"
                 "    frame = function(self, stats, facts)\n"
                 "        local state, words = self.state, {}\n"
                 "        state.frames = (state.frames or 0) + 1\n"
                 "        state.smooth = freehold.policy.ema(state.smooth, facts.used, 0.1)\n"
                 "        state.seen = { stats.created_bytes, { state.frames % 7 == 0 } }\n"
                 "        for i, heap in ipairs(facts.heaps) do\n"
                 "            words[i] = ('%d: %d of %d'):format(i, heap.used, heap.size)\n"
                 "        end\n"
                 "        state.text = table.concat(words, ', ')\n"
                 "        return { evict_cap = 1 << 20, limits = state.frames % 3 == 0 }\n"
                 "    end,\n"
                 "    limits = function(self, facts)\n"
                 "        return { total = self.options.most, heap = { facts.heaps[1].size },\n"
                 "            tags = { terrain = '1MiB' }, watermarks = { 0.5, 0.9 } }\n"
                 "    end,\n"
                 "    pressure = function(self, event) self.state.up = event.up end,\n"
                 "}");
    for (int i = 0; i < WARM_UP; i++) {
        tick(s);
    }
    uint64_t allocs = s->memory.alloc_count;
    for (int i = 0; i < TICKS; i++) {
        tick(s);
    }
    CHECK_EQUAL(s->memory.alloc_count - allocs, 0);
    /* And with work in between, some of it across a watermark. */
    for (int i = 0; i < TICKS + WARM_UP; i++) {
        fh_parcel one = check_buffer(&s->card, MIB(20));
        fh_parcel other = check_buffer(&s->card, MIB(i % 2 == 0 ? 4 : 8));
        allocs = s->memory.alloc_count;
        tick(s);
        if (i >= WARM_UP) {
            CHECK_EQUAL(s->memory.alloc_count - allocs, 0);
        }
        check_release(&s->card, one);
        check_release(&s->card, other);
    }
    check_well(s, FH_HOOK_FRAME);
    check_well(s, FH_HOOK_LIMITS);
    check_well(s, FH_HOOK_PRESSURE);
    CHECK_EQUAL(look(s)->hooks[FH_HOOK_FRAME].decided, 2 * (WARM_UP + TICKS));
    assert_true(look(s)->hooks[FH_HOOK_PRESSURE].calls > TICKS);
}

/* Asked for each of them, without a tick, which is where garbage is collected else. */
static void a_place_hook_that_is_always_asked_is_never_stopped(void **state)
{
    stage *s = *state;
    static const struct {
        const char *text;
        bool decides;
    } cases[] = {
        /* Nothing is decided, and nothing made. */
        {"return { place = function(_, request) local _ = request.size end }", false},
        /* One table, made once; */
        {"local verdict = { priority = 0.25, keep = 'never' }\n"
         "return { place = function() return verdict end }",
         true},
        /* a table a call; */
        {"return { place = function(_, request, facts)\n"
         "    local free = facts.heaps[1].size - facts.heaps[1].used\n"
         "    if request.size <= free then return { priority = 0.25 } end end }",
         true},
        /* and many things a call. */
        {"return { place = function(self, request, facts)\n"
         "    local seen = {}\n"
         "    for key, value in pairs(request) do\n"
         "        seen[#seen + 1] = ('%s = %s'):format(key, tostring(value))\n"
         "    end\n"
         "    local usage = table.concat(seen, ' ') .. request.size\n"
         "    return { priority = #usage > 0 and 0.25 or 1, memory = { 'device', 'host' } }\n"
         "end }",
         true},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        load_text(s, cases[i].text);
        tick(s);
        uint64_t most = 0, allocs = 0;
        uint64_t ticks = card_stats(&s->card).tick_count;
        fh_parcel kept = check_buffer(&s->card, 1000); /* so that its block stays */
        for (int n = 0; n < REQUESTS; n++) {
            if (n == REQUESTS / 10) {
                allocs = s->memory.alloc_count;
            }
            float priority = priority_of(s, 1000 + (uint64_t)(n % 50) * 100);
            assert_true(priority == (cases[i].decides ? 0.25F : 0.5F));
            uint64_t bytes = bytes_of(s);
            most = bytes > most ? bytes : most;
        }
        CHECK_EQUAL(card_stats(&s->card).tick_count, ticks);
        CHECK_EQUAL(s->memory.alloc_count - allocs, 0);
        assert_true(most < FHI_MEMORY_MAX);
        check_well(s, FH_HOOK_PLACE);
        const fh_hook_status *hook = &look(s)->hooks[FH_HOOK_PLACE];
        CHECK_EQUAL(hook->calls, REQUESTS + 1);
        CHECK_EQUAL(hook->decided, cases[i].decides ? REQUESTS + 1 : 0);
        check_release(&s->card, kept);
    }
}

/* ---- versions ---- */

/* A text that says `priority` and `limit`, and is of another length than the one before. */
static const char *make_text(char text[1024], int number, int priority, uint64_t limit)
{
    snprintf(text, 1024,
             "-- version %d%.*s\n"
             "local seen = { '%d' }\n"
             "return {\n"
             "    name = 'v%d',\n"
             "    place = function() return { priority = %d / 100 } end,\n"
             "    limits = function() return { total = %llu } end,\n"
             "    frame = function(self)\n"
             "        self.state.frames = (self.state.frames or 0) + 1\n"
             "        self.state.seen = seen[1]\n"
             "    end,\n"
             "    migrate = function(_, old) return { frames = old.frames, from = 'old' } end,\n"
             "}\n",
             number, number % 10, " longer!!!", number, number, priority,
             (unsigned long long)limit);
    return text;
}

static void check_decides(const stage *s, int priority, uint64_t limit)
{
    float is = priority_of(s, 1000);
    if (is != (float)priority / 100) {
        fail_msg("priority is %g, not %g", (double)is, priority / 100.0);
    }
    CHECK_EQUAL(card_account(&s->card, FH_ACCOUNT_TOTAL, 0).limit, limit);
}

static void check_state(stage *s, const char *should)
{
    test_text text = {0};
    CHECK_OK(fh_policy_state(s->policy, 0, test_text_write, &text));
    assert_string_equal(text.data, should);
    test_text_finish(&text);
}

static void ten_thousand_reloads_leave_nothing_behind(void **state)
{
    stage *s = *state;
    char text[1024];
    size_t bytes = 0, count = 0;
    load_file(s, make_text(text, 0, 1, MIB(20)));
    for (int i = 1; i <= RELOADS; i++) {
        int priority = 1 + i % 97;
        uint64_t limit = MIB(20) + (uint64_t)i;
        renew(s, make_text(text, i, priority, limit));
        check_decides(s, priority, limit);
        /* What was replaced two versions ago went at the reload after it. */
        if (i == 10) {
            bytes = s->memory.live_bytes;
            count = s->memory.live_count;
        }
        if (i > 10 && i % 10 == 0) {
            CHECK_EQUAL(s->memory.live_bytes, bytes);
            CHECK_EQUAL(s->memory.live_count, count);
        }
    }
    const fh_script_status *script = look(s);
    CHECK_EQUAL(script->accepted, RELOADS + 1);
    CHECK_EQUAL(script->version, RELOADS + 1);
    CHECK_EQUAL(script->rejected, 0);
    assert_string_equal(script->name, "v10000");
    snprintf(text, sizeof text, "{\"frames\":%d,\"from\":\"old\",\"seen\":\"%d\"}", RELOADS,
             RELOADS);
    check_state(s, text);
    check_well(s, FH_HOOK_PLACE);
    check_well(s, FH_HOOK_FRAME);
    check_well(s, FH_HOOK_LIMITS);
    check_well(s, FH_HOOK_MIGRATE);
}

static void rejected_ones_leave_nothing_behind(void **state)
{
    stage *s = *state;
    static const char *const endings[] = {
        "retain = function() error('no') end }",
        "retain = function() while true do end end }",
        "retain = function() return { tiks = 1 } end }",
        "migrate = function() error('no') end }",
        "retian = function() end }",
        "retain = function() end",
    };
    char text[1024];
    size_t bytes = 0, count = 0;
    load_file(s, make_text(text, 0, 1, MIB(20)));
    tick(s);
    for (uint32_t i = 1; i <= ROLLBACKS; i++) {
        snprintf(text, sizeof text, "return { name = 'wrong %u',\n%s", i,
                 endings[i % TEST_COUNT_OF(endings)]);
        write_text(s, text);
        CHECK_RESULT(fh_policy_reload(s->policy), FH_ERR_SCRIPT);
        tick(s);
        check_decides(s, 1, MIB(20));
        if (i == 12) {
            bytes = s->memory.live_bytes;
            count = s->memory.live_count;
        }
    }
    CHECK_EQUAL(s->memory.live_bytes, bytes);
    CHECK_EQUAL(s->memory.live_count, count);
    const fh_script_status *script = look(s);
    CHECK_EQUAL(script->version, 1);
    CHECK_EQUAL(script->rejected, ROLLBACKS);
    CHECK_EQUAL(script->state, FH_SCRIPT_REJECTED);
}

static void a_thousand_rollbacks_leave_nothing_behind(void **state)
{
    stage *s = *state;
    char text[1024];
    size_t bytes = 0, count = 0;
    load_file(s, make_text(text, 1, 10, MIB(21)));
    tick(s); /* one frame of v1 */
    renew(s, make_text(text, 2, 20, MIB(22)));
    for (int i = 1; i <= ROLLBACKS; i++) {
        bool first = i % 2 == 1;
        CHECK_OK(fh_policy_rollback(s->policy));
        tick(s);
        check_decides(s, first ? 10 : 20, first ? MIB(21) : MIB(22));
        CHECK_EQUAL(look(s)->version, first ? 1 : 2);
        if (i == WARM_UP) {
            bytes = s->memory.live_bytes;
            count = s->memory.live_count;
        }
    }
    CHECK_EQUAL(s->memory.live_bytes, bytes);
    CHECK_EQUAL(s->memory.live_count, count);
    /* Each went on with its own state: one frame when v2 took it over, one in its first tick, and
     * one for each time that it was gone back to. */
    snprintf(text, sizeof text, "{\"frames\":%d,\"from\":\"old\",\"seen\":\"2\"}",
             2 + ROLLBACKS / 2);
    check_state(s, text);
    CHECK_OK(fh_policy_rollback(s->policy));
    tick(s);
    snprintf(text, sizeof text, "{\"frames\":%d,\"seen\":\"1\"}", 2 + ROLLBACKS / 2);
    check_state(s, text);
}

/* ---- what stays ---- */

static uint64_t total_limit(const stage *s)
{
    return card_account(&s->card, FH_ACCOUNT_TOTAL, 0).limit;
}

/* A policy that gives one limit, and from frame `from` on does what `then` says. */
static const char *make_failing(char text[1024], uint64_t from, const char *then)
{
    snprintf(text, 1024,
             "return { frame = function() return { limits = true } end,\n"
             "limits = function(_, facts)\n"
             "    if facts.frame >= %llu then\n"
             "        %s\n"
             "    end\n"
             "    return { total = '24MiB', kinds = { texture = '1MiB' }, tags = { a = 5 } } end }",
             (unsigned long long)from, then);
    return text;
}

static void limits_hold_when_their_hook_begins_to_fail(void **state)
{
    stage *s = *state;
    static const char *const ways[] = {
        "error('not today')",
        "while true do end",
        "pcall(function() while true do end end) return nil",
        "local t = {} while true do t = { t, t } end",
        "return { total = 0 / 0 }",
        "return { total = -1 }",
        "return { totl = '1GiB' }",
        "return { total = '1GiB', watermarks = { 0.9, 0.8 } }",
        "return 7",
    };
    char text[1024];
    fh_tag tag;
    CHECK_OK(fh_device_tag(s->card.device, "a", &tag));
    fh_buffer_desc tagged = card_buffer_desc(6);
    tagged.memory.tag = tag;
    for (size_t i = 0; i < TEST_COUNT_OF(ways); i++) {
        uint64_t now = card_stats(&s->card).tick_count;
        load_file(s, make_failing(text, now + 5, ways[i]));
        for (int n = 0; n < 12; n++) {
            tick(s);
            CHECK_EQUAL(total_limit(s), MIB(24));
            CHECK_EQUAL(card_account(&s->card, FH_ACCOUNT_KIND, FH_KIND_TEXTURE).limit, MIB(1));
            fh_buffer_desc large = card_buffer_desc(MIB(25));
            fh_parcel parcel;
            CHECK_REFUSED(fh_buffer_create(s->card.device, &large, &parcel), parcel, FH_ERR_BUDGET,
                          "total");
            CHECK_REFUSED(fh_buffer_create(s->card.device, &tagged, &parcel), parcel, FH_ERR_BUDGET,
                          "a");
        }
        const fh_script_status *script = look(s);
        assert_true(script->hooks[FH_HOOK_LIMITS].quarantined);
        CHECK_EQUAL(script->hooks[FH_HOOK_LIMITS].failed, 3);
        CHECK_EQUAL(script->state, FH_SCRIPT_QUARANTINED);
        assert_true(strncmp(script->error, s->path, strlen(s->path)) == 0);
        /* The next version fails from the start, once it is live: what held, holds. */
        now = card_stats(&s->card).tick_count;
        snprintf(text, sizeof text,
                 "return { limits = function(_, facts)\n"
                 "if facts.frame > %llu then error('live') end\n"
                 "return { total = '1GiB' } end }",
                 (unsigned long long)now);
        renew(s, text);
        CHECK_EQUAL(look(s)->version, 2);
        CHECK_EQUAL(look(s)->hooks[FH_HOOK_LIMITS].failed, 4);
        CHECK_EQUAL(total_limit(s), MIB(24));
        renew(s, "return { limits = function() return { total = '16MiB' } end }");
        CHECK_EQUAL(total_limit(s), MIB(16));
        CHECK_EQUAL(card_account(&s->card, FH_ACCOUNT_TAG, tag).limit, FH_NO_LIMIT);
    }
}

static const char *value_of(const stage *s, const char *name, bool *out_by_hand)
{
    static fh_option_info options[8];
    uint32_t count;
    CHECK_OK(fh_policy_options(s->policy, options, TEST_COUNT_OF(options), &count));
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, name) == 0) {
            *out_by_hand = options[i].by_hand;
            return options[i].value;
        }
    }
    fail_msg("no option %s", name);
    return NULL;
}

/* The option's value, as C and as the script sees it: the limit. And what the notes say of it;
 * NULL: nothing. */
static void check_option(stage *s, const char *value, bool by_hand, uint64_t limit,
                         const char *note)
{
    bool is_by_hand = false;
    assert_string_equal(value_of(s, "most", &is_by_hand), value);
    assert_int_equal(is_by_hand, by_hand);
    CHECK_EQUAL(total_limit(s), limit);
    const char *notes = look(s)->notes;
    if (note == NULL) {
        assert_string_equal(notes, "");
    } else if (strstr(notes, "option most was set by hand") == NULL ||
               strstr(notes, note) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", notes, note);
    }
}

#define MOST(declaration, more)                                                                    \
    "return { options = { most = { " declaration " } },\n"                                         \
    "limits = function(self) return { total = self.options.most } end," more "}"

static void options_set_by_hand_survive_what_they_fit(void **state)
{
    stage *s = *state;
    const char *fits = MOST("type = 'bytes', default = '20MiB', min = '1MiB', max = '64MiB'", "");
    load_file(s, fits);
    check_option(s, "20MiB", false, MIB(20), NULL);
    CHECK_OK(fh_policy_set_option(s->policy, "most", "30MiB"));
    tick(s);
    check_option(s, "30MiB", true, MIB(30), NULL);
    /* Another text, default and range. */
    renew(s, MOST("type = 'bytes', default = '40MiB', min = '30MiB'", "frame = function() end"));
    check_option(s, "30MiB", true, MIB(30), NULL);
    /* Out of its range, on either side; */
    renew(s, MOST("type = 'bytes', default = '10MiB', max = 30 * MiB - 1", ""));
    check_option(s, "10MiB", false, MIB(10), "cannot be");
    renew(s, MOST("type = 'bytes', default = '40MiB', min = 30 * MiB + 1", ""));
    check_option(s, "40MiB", false, MIB(40), "cannot be");
    /* of another type, also where the value would do; */
    renew(s, MOST("type = 'integer', default = 12 << 20", ""));
    check_option(s, "12582912", false, MIB(12), "another type");
    renew(s, MOST("type = 'choice', default = '11MiB', choices = { '11MiB', '30MiB' }", ""));
    check_option(s, "11MiB", false, MIB(11), "another type");
    /* not there at all. */
    renew(s, "return { limits = function() return { total = '9MiB' } end }");
    CHECK_EQUAL(total_limit(s), MIB(9));
    assert_non_null(strstr(look(s)->notes, "option most was set by hand, and is not there"));
    /* It is not forgotten, */
    renew(s, fits);
    check_option(s, "30MiB", true, MIB(30), NULL);
    /* nor when a version is refused, or gone back to. */
    write_text(s, MOST("type = 'bytes', default = '5MiB'", "retain = function() error() end"));
    CHECK_RESULT(fh_policy_reload(s->policy), FH_ERR_SCRIPT);
    tick(s);
    check_option(s, "30MiB", true, MIB(30), NULL);
    CHECK_OK(fh_policy_rollback(s->policy));
    tick(s);
    CHECK_OK(fh_policy_rollback(s->policy));
    tick(s);
    check_option(s, "30MiB", true, MIB(30), NULL);
    CHECK_OK(fh_policy_set_option(s->policy, "most", NULL));
    tick(s);
    check_option(s, "20MiB", false, MIB(20), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STEADY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        STEADY_TEST(a_frame_hook_takes_no_host_memory),
        STEADY_TEST(a_place_hook_that_is_always_asked_is_never_stopped),
        STEADY_TEST(ten_thousand_reloads_leave_nothing_behind),
        STEADY_TEST(rejected_ones_leave_nothing_behind),
        STEADY_TEST(a_thousand_rollbacks_leave_nothing_behind),
        STEADY_TEST(limits_hold_when_their_hook_begins_to_fail),
        STEADY_TEST(options_set_by_hand_survive_what_they_fit),
    };
    return cmocka_run_group_tests_name("policy_steady", tests, NULL, NULL);
}
