/* Files that are read or written piece by piece. Streams, so that large files need no system calls
 * of ours; not inherited by the programs that this one starts. On Windows, UTF-8 in paths is not
 * looked after. */

#ifndef FREEHOLD_BASE_STREAM_H
#define FREEHOLD_BASE_STREAM_H

#include <stdint.h>
#include <stdio.h>

/* Opens a regular file for reading; whatever else stands at that path (a folder, a pipe, a device)
 * is refused without waiting for it. `*out_size` is how large it is now. NULL: *out_why, static, is
 * why not, to be put behind a path: "there is no such file". */
FILE *fhi_stream_open(const char *path, uint64_t *out_size, const char **out_why);

/* Makes or empties a file and opens it for writing, without a buffer: what fwrite() was given has
 * gone to the system when it returns. One that is being written by another stream of this kind, of
 * whatever process, is refused, and left alone (not on Windows). NULL: *out_why as above. */
FILE *fhi_stream_create(const char *path, const char **out_why);

/* A value of errno, in words; static. */
const char *fhi_stream_why(int error);

#endif
