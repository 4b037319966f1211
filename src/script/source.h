/* Where texts come from: files of at most 64 KiB, and what they extend. */

#ifndef FREEHOLD_SCRIPT_SOURCE_H
#define FREEHOLD_SCRIPT_SOURCE_H

#include "script/engine.h"

enum {
    FHI_PATH_MAX = 1024,  /* bytes, with the zero */
    FHI_PATH_SHOWN = 200, /* the same, of one in sentences: these are not much longer */
    FHI_SOURCES_MAX = 16  /* files of one script */
};

/* Files that were read, and what was in them. */
typedef struct fhi_source {
    char path[FHI_PATH_MAX];
    uint64_t hash; /* of the content, or of why there was none */
} fhi_source;

typedef struct fhi_sources {
    uint32_t count;
    fhi_source list[FHI_SOURCES_MAX];
} fhi_sources;

/* Print a sentence into a report, made clean. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void fhi_report_write(fhi_report *report, const char *format, ...);

/* A path for sentences, and for a script to be called by: of a long one the end, which tells more
 * than its beginning. */
typedef struct fhi_path_text {
    char text[FHI_PATH_SHOWN];
} fhi_path_text;

fhi_path_text fhi_path_shown(const char *path);

/* The first line of a report, for fh_error_detail(). */
typedef struct fhi_report_head {
    char text[256];
} fhi_report_head;

fhi_report_head fhi_report_first(const fhi_report *report);

/* INVALID or SCRIPT for a text that no script can be, with a report. */
fh_result fhi_text_check(const char *name, const char *text, size_t size, fhi_report *out_report);

/* Reads the file into `out_text` (FHI_SOURCE_MAX bytes) and adds it to `sources`, also when it
 * cannot be read: it may come. IO, SCRIPT: with a report. */
fh_result fhi_source_read(fhi_sources *sources, const char *path, char *out_text, size_t *out_size,
                          fhi_report *out_report);

/* The same for what `from` extends by that name: in the folder of `from` or below, with or without
 * ".lua". `from` is a path, or as fhi_path_shown() has it the first one of `sources`. `out_path`
 * has 256 bytes. */
fh_result fhi_source_extend(fhi_sources *sources, const char *from, const char *name,
                            char *out_text, size_t *out_size, char *out_path,
                            fhi_report *out_report);

/* Whether a file is not what it was. `room` is FHI_SOURCE_MAX bytes. *out_hash: of all of them
 * together, as they are now. *out_empty: one of them has nothing in it. */
bool fhi_sources_changed(const fhi_sources *sources, char *room, uint64_t *out_hash,
                         bool *out_empty);

#endif
