/* Text for people: names as they are kept and shown, and sizes with their units. */

#ifndef FREEHOLD_DEVICE_TEXT_H
#define FREEHOLD_DEVICE_TEXT_H

#include <freehold/parcel.h>

#include <stdint.h>

/* `name` zero-terminated, cut between characters where it is too long; NULL is "". What stands
 * behind the cut is not read. */
void fhi_name_copy(char out_name[FH_NAME_SIZE], const char *name);

/* Each byte that is no part of a UTF-8 character becomes a question mark, and so do control
 * characters: a name must not end the line that it stands in. */
void fhi_text_clean(char *text);

/* The same for a text that has lines, or is escaped later on: control characters stay. */
void fhi_text_validate(char *text);

/* A name as it stands in sentences: cut and clean. By value, so that a sentence can have several;
 * NULL is "". */
typedef struct fhi_name_text {
    char text[FH_NAME_SIZE];
} fhi_name_text;

fhi_name_text fhi_name_print(const char *name);

/* "96 B", "4 MiB", "1.37 GiB"; with decimals when the value is not whole. By value, so that a
 * sentence can have several. */
typedef struct fhi_size_text {
    char text[40];
} fhi_size_text;

fhi_size_text fhi_size_print(uint64_t bytes);

/* "buffer"; of an fh_kind. */
const char *fhi_kind_name(uint32_t kind);

#endif
