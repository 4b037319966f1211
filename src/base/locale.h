/* The locale "C" for one thread and a while, so that numbers have a point and texts compare by
 * their bytes whatever the program has set. Two stores into thread-local memory; nothing is
 * allocated when it is entered. On Windows, where a program that sets another locale for numbers is
 * rare, this does nothing. */

#ifndef FREEHOLD_BASE_LOCALE_H
#define FREEHOLD_BASE_LOCALE_H

typedef struct fhi_locale {
    void *c; /* the locale; NULL: it could not be had, and none is entered */
} fhi_locale;

void fhi_locale_init(fhi_locale *locale);
void fhi_locale_finish(fhi_locale *locale); /* a zeroed one is fine */

/* Returns what fhi_locale_leave() takes, on the same thread. */
void *fhi_locale_enter(const fhi_locale *locale);
void fhi_locale_leave(void *before);

#endif
