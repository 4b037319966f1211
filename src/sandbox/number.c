#include "sandbox/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fhi_number_text(double number, char out_text[FHI_NUMBER_TEXT])
{
    /* Both ways by the locale of the moment; then its decimal point goes. */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out_text, FHI_NUMBER_TEXT, "%.*g", digits, number);
        if (strtod(out_text, NULL) == number) {
            break;
        }
    }
    size_t length = strlen(out_text);
    size_t point = strspn(out_text, "-0123456789");
    size_t rest = point;
    while (rest < length && strchr("0123456789eE", out_text[rest]) == NULL) {
        rest++; /* a point may take several bytes */
    }
    if (rest > point) {
        out_text[point] = '.';
        memmove(out_text + point + 1, out_text + rest, length - rest + 1);
    }
}
