/* A version of a script, as tests of the engine make and ask it: over host memory that is counted,
 * with a log that is kept, and files that exist only here. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_VERSION_CHECKS_H
#define FREEHOLD_TESTS_VERSION_CHECKS_H

#include "checks.h"

#include "base/host.h"
#include "script/engine.h"

#include <stdio.h>
#include <string.h>

#define CHECK_EQUAL(a, b) assert_int_equal((long long)(a), (long long)(b))

/* `word` is in `text`. */
#define CHECK_SAYS(text, word)                                                                     \
    do {                                                                                           \
        if (strstr((text), (word)) == NULL) {                                                      \
            fail_msg("\"%s\" does not say \"%s\"", (text), (word));                                \
        }                                                                                          \
    } while (0)

typedef struct scripted {
    test_memory memory;
    fhi_engine_host host;
    const fhi_engine *engine;
    fhi_version *version;
    fhi_report report;       /* of the last thing that failed */
    const char *files[8][2]; /* name and text, for extend() */
    unsigned int log_count;
    char log[256]; /* the last line */
    fh_facts facts;
    fhi_call call;
    fhi_state state; /* room */
    char json[4096];
} scripted;

static inline void scripted_log(void *context, fh_log_level level, const char *line)
{
    scripted *s = context;
    (void)level;
    s->log_count++;
    snprintf(s->log, sizeof s->log, "%s", line);
}

static inline fh_tag scripted_tag(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "terrain") == 0 ? 7 : 8;
}

static inline const char *scripted_tag_name(void *context, fh_tag tag)
{
    (void)context;
    return tag == 7 ? "terrain" : "";
}

static inline fh_pool *scripted_pool(void *context, const char *name)
{
    (void)name;
    (void)context;
    return NULL;
}

static inline fh_result scripted_read(void *context, const char *from, const char *name,
                                      char *out_text, size_t *out_size, char *out_path,
                                      fhi_report *out_report)
{
    scripted *s = context;
    (void)from;
    for (size_t i = 0; i < TEST_COUNT_OF(s->files) && s->files[i][0] != NULL; i++) {
        if (strcmp(s->files[i][0], name) == 0) {
            *out_size = strlen(s->files[i][1]);
            memcpy(out_text, s->files[i][1], *out_size);
            snprintf(out_path, 256, "%s", name);
            return FH_OK;
        }
    }
    snprintf(out_report->text, sizeof out_report->text, "there is no file \"%s\"", name);
    return FH_ERR_IO;
}

static inline void scripted_init(scripted *s)
{
    memset(s, 0, sizeof *s);
    test_memory_init(&s->memory);
    s->engine = fhi_script_engine(FHI_ENGINE_ABI);
    s->host = (fhi_engine_host){
        .context = s,
        .log = scripted_log,
        .tag = scripted_tag,
        .tag_name = scripted_tag_name,
        .pool = scripted_pool,
        .read = scripted_read,
    };
    CHECK_OK(fhi_host_memory_resolve(&s->memory.host, &s->host.memory));
    s->facts.heap_count = 1;
    s->call.report = &s->report;
}

static inline void scripted_finish(scripted *s)
{
    s->engine->destroy(s->version);
    s->version = NULL;
    CHECK_EQUAL(s->memory.live_count, 0);
    test_memory_finish(&s->memory);
}

/* A version of `text` in the place of the last one; NULL when it is refused. */
static inline fhi_version *scripted_try(scripted *s, const char *text,
                                        const fh_policy_setting *settings, uint32_t count)
{
    s->engine->destroy(s->version);
    s->version = s->engine->create(&s->host,
                                   &(fhi_version_desc){.text = text,
                                                       .size = strlen(text),
                                                       .name = "p.lua",
                                                       .settings = settings,
                                                       .setting_count = count},
                                   &s->report);
    return s->version;
}

static inline void scripted_load(scripted *s, const char *text)
{
    if (scripted_try(s, text, NULL, 0) == NULL) {
        fail_msg("it is refused: %s", s->report.text);
    }
}

/* `text` is refused, with exactly that sentence. */
static inline void scripted_refused(scripted *s, const char *text, const char *sentence)
{
    assert_null(scripted_try(s, text, NULL, 0));
    assert_string_equal(s->report.text, sentence);
}

static inline fh_outcome scripted_call(scripted *s, fh_hook hook, const void *input, void *answer)
{
    return s->engine->call(s->version, hook, input, &s->facts, answer, &s->call);
}

static inline fh_outcome scripted_frame(scripted *s)
{
    fh_frame_decision decision;
    return scripted_call(s, FH_HOOK_FRAME, &(fh_frame_facts){.depth = 3}, &decision);
}

/* The frame hook runs, and decides or not, but does not fail. */
static inline void scripted_frame_well(scripted *s)
{
    fh_outcome outcome = scripted_frame(s);
    if (outcome != FH_OUTCOME_DECIDED && outcome != FH_OUTCOME_NOTHING) {
        fail_msg("it fails: %s", s->report.text);
    }
}

static inline const char *scripted_json(scripted *s)
{
    test_text text = {0};
    CHECK_OK(s->engine->state_json(s->version, test_text_write, &text));
    snprintf(s->json, sizeof s->json, "%.*s", (int)text.length, text.data);
    test_text_finish(&text);
    return s->json;
}

#endif
