/* What does not fit is counted and left out: the caller then comes again, with more room. */

#include "binding/text.h"

#include <string.h>

fh_result fhi_text_add(void *text, const char *bytes, size_t length)
{
    fhi_text *self = text;
    if (self->length < self->capacity && length <= self->capacity - self->length) {
        memcpy(self->data + self->length, bytes, length);
    }
    self->length += length;
    return FH_OK;
}
