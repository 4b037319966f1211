/* Reports: sentences that leave the engine, whatever a script put into them (engine.h). */

#ifndef FREEHOLD_SANDBOX_REPORT_H
#define FREEHOLD_SANDBOX_REPORT_H

#include "script/engine.h"

/* printf into a report, cleaned. False, so that a caller can write `return fhi_report_print(...)`.
 * NULL is a no-op. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
bool
fhi_report_print(fhi_report *report, const char *format, ...);

/* Put "name:line: " in front of what it says. NULL is a no-op. */
void fhi_report_place(fhi_report *report, const char *name, uint32_t line);

#endif
