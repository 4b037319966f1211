#include "sandbox/report.h"

#include "sandbox/box.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool fhi_report_print(fhi_report *report, const char *format, ...)
{
    char text[sizeof report->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (report != NULL) {
        fhi_clean_text(report->text, sizeof report->text, text, strlen(text), true);
    }
    return false;
}

void fhi_report_place(fhi_report *report, const char *name, uint32_t line)
{
    char text[sizeof report->text];
    if (report == NULL) {
        return;
    }
    memcpy(text, report->text, sizeof text);
    fhi_report_print(report, "%s:%" PRIu32 ": %s", name, line, text);
}
