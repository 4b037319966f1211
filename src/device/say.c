#include "device/say.h"

#include "base/error.h"
#include "device/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fhi_text_init(fhi_text *text, fh_write_fn write, void *context)
{
    text->write = write;
    text->context = context;
    text->result = FH_OK;
    text->length = 0;
}

fh_result fhi_text_finish(fhi_text *text)
{
    if (text->result == FH_OK && text->length > 0) {
        uint64_t failures = fhi_failure_count();
        text->result = text->write(text->context, text->buffer, text->length);
        if (text->result != FH_OK && failures == fhi_failure_count()) {
            fhi_fail(text->result, "write: the callback failed, and did not say why");
        }
    }
    text->length = 0;
    return text->result;
}

void fhi_say(fhi_text *text, const char *format, ...)
{
    char piece[400];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    fhi_text_validate(piece);
    size_t length = strlen(piece);
    if (length > sizeof text->buffer - text->length) {
        fhi_text_finish(text);
    }
    memcpy(text->buffer + text->length, piece, length);
    text->length += length;
}

void fhi_say_size(fhi_text *text, uint64_t bytes)
{
    if (bytes < 1024) {
        fhi_say(text, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
    } else {
        fhi_say(text, "%s (%" PRIu64 " bytes)", fhi_size_print(bytes).text, bytes);
    }
}

void fhi_say_flags(fhi_text *text, const fhi_flag_name *names, size_t count, uint32_t flags,
                   const char *nothing)
{
    const char *space = "";
    for (size_t i = 0; i < count; i++) {
        if ((flags & names[i].flag) != 0) {
            fhi_say(text, "%s%s", space, names[i].name);
            space = " ";
        }
    }
    if (flags == 0) {
        fhi_say(text, "%s", nothing);
    }
}
