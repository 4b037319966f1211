/* Explanations, as text to look into. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_EXPLAIN_CHECKS_H
#define FREEHOLD_TESTS_EXPLAIN_CHECKS_H

#include "card_checks.h"

static inline int set_up(void **state)
{
    card *c = test_calloc(1, sizeof *c);
    card_small(c);
    check_open(c);
    *state = c;
    return 0;
}

static inline int tear_down(void **state)
{
    card *c = *state;
    check_close(c);
    test_free(c);
    return 0;
}

/* To be given to test_text_finish(). */
static inline test_text explain_on(fh_device *device, const fh_buffer_desc *buffer,
                                   const fh_texture_desc *texture, const fh_raw_desc *raw)
{
    test_text text = {0};
    fh_result result = fh_device_explain(device, buffer, texture, raw, test_text_write, &text);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    assert_true(text.length > 0);
    assert_true(text.data[text.length - 1] == '\n');
    return text;
}

static inline test_text explain_buffer(const card *c, const fh_buffer_desc *buffer)
{
    return explain_on(c->device, buffer, NULL, NULL);
}

static inline void check_says(const test_text *text, const char *what)
{
    if (strstr(text->data, what) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", what, text->data);
    }
}

static inline void check_does_not_say(const test_text *text, const char *what)
{
    if (strstr(text->data, what) != NULL) {
        fail_msg("\"%s\" is in:\n%s", what, text->data);
    }
}

#endif
