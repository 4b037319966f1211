/* A refused allocation is ordinary: a pool asks one block after another. So failing stores a
 * pointer and three numbers, and fh_error_detail() does the printing. The thread-local record is
 * the library's one piece of mutable global state. */

#include "base/error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    DETAIL_VALUES = 3,
    DETAIL_LENGTH = 256
};

typedef struct failure {
    const char *format; /* NULL: `text` is the sentence, or "" while nothing failed here yet */
    uint64_t values[DETAIL_VALUES];
    uint64_t count; /* of all failures so far */
    char text[DETAIL_LENGTH];
} failure;

static _Thread_local failure last;

fh_result fhi_fail_with(fh_result result, const char *format, uint64_t a, uint64_t b, uint64_t c)
{
    last.format = format;
    last.values[0] = a;
    last.values[1] = b;
    last.values[2] = c;
    last.count++;
    return result;
}

fh_result fhi_fail_print(fh_result result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last.text, sizeof last.text, format, arguments);
    va_end(arguments);
    last.format = NULL;
    last.count++;
    return result;
}

uintptr_t fhi_thread_anchor(void)
{
    return (uintptr_t)&last;
}

uint64_t fhi_failure_count(void)
{
    return last.count;
}

const char *fh_error_detail(void)
{
    size_t length = 0;
    int value = 0;

    if (!last.format) {
        return last.text;
    }
    for (const char *from = last.format; *from && length + 1 < sizeof last.text;) {
        if (from[0] == '{' && from[1] == '}' && value < DETAIL_VALUES) {
            size_t room = sizeof last.text - length;
            int printed = snprintf(last.text + length, room, "%" PRIu64, last.values[value]);
            length += (size_t)printed < room ? (size_t)printed : room - 1;
            value++;
            from += 2;
        } else {
            last.text[length++] = *from++;
        }
    }
    last.text[length] = '\0';
    return last.text;
}

fhi_sentence fhi_sentence_keep(void)
{
    fhi_sentence sentence;
    snprintf(sentence.text, sizeof sentence.text, "%s", fh_error_detail());
    return sentence;
}

fh_result fhi_sentence_fail(fh_result result, const fhi_sentence *sentence)
{
    return fhi_fail_print(result, "%s", sentence->text);
}
