/* Small files, read whole, and paths. Paths are as the system takes them; on Windows, UTF-8 is not
 * looked after. */

#ifndef FREEHOLD_BASE_FILE_H
#define FREEHOLD_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a regular file. Whatever else stands at that path (a folder, a pipe, a device) is refused
 * without waiting for it, and so is what changes while it is read, in the end. NULL: *out_size
 * bytes are in `buffer`. Else it is why not, static, to be put behind a path: "there is no such
 * file"; *out_size is then 0. A file of more than `capacity` bytes is refused. */
const char *fhi_file_read(const char *path, void *buffer, size_t capacity, size_t *out_size);

/* "a/b" of "a/b/c", "." of "c", "/" of "/c". False: it does not fit, and *out_folder is "". */
bool fhi_path_folder(const char *path, char *out_folder, size_t capacity);

/* The path without symbolic links. False: there is nothing at `path`, or it does not fit; *out_path
 * is then "". */
bool fhi_path_target(const char *path, char *out_path, size_t capacity);

bool fhi_path_is_absolute(const char *path);

/* Where the last component begins. */
const char *fhi_path_name(const char *path);

#endif
