/* The table of formats, made from the one list in format.h. */

#include <freehold/format.h>

#include <string.h>

/* At the index of its fh_format; FH_FORMAT_NONE has no name. */
static const fh_format_info formats[FH_FORMAT_COUNT] = {
#define FORMAT_INFO(name, text, width, height, bytes, traits)                                      \
    [FH_FORMAT_##name] = {text, width, height, bytes, traits},
    FH_FORMATS(FORMAT_INFO)
#undef FORMAT_INFO
};

const fh_format_info *fh_format_describe(fh_format format)
{
    /* Through an unsigned type: an enum may be signed or not. */
    uint32_t index = (uint32_t)format;
    return index > 0 && index < FH_FORMAT_COUNT ? &formats[index] : NULL;
}

fh_format fh_format_find(const char *name)
{
    if (!name) {
        return FH_FORMAT_NONE;
    }
    for (uint32_t i = 1; i < FH_FORMAT_COUNT; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            return (fh_format)i;
        }
    }
    return FH_FORMAT_NONE;
}
