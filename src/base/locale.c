/* POSIX names for -std=c11; the reserved name is theirs. */
#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier) */

#include "base/locale.h"

#include <stddef.h>

#if defined(_WIN32)

void fhi_locale_init(fhi_locale *locale)
{
    *locale = (fhi_locale){NULL};
}

void fhi_locale_finish(fhi_locale *locale)
{
    *locale = (fhi_locale){NULL};
}

void *fhi_locale_enter(const fhi_locale *locale)
{
    (void)locale;
    return NULL;
}

void fhi_locale_leave(void *before)
{
    (void)before;
}

#else
#include <locale.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

void fhi_locale_init(fhi_locale *locale)
{
    locale->c = (void *)newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

void fhi_locale_finish(fhi_locale *locale)
{
    if (locale->c != NULL) {
        freelocale((locale_t)locale->c);
    }
    *locale = (fhi_locale){NULL};
}

void *fhi_locale_enter(const fhi_locale *locale)
{
    return locale->c != NULL ? (void *)uselocale((locale_t)locale->c) : NULL;
}

void fhi_locale_leave(void *before)
{
    if (before != NULL) {
        uselocale((locale_t)before);
    }
}

#endif
