/* Shared libraries that are opened while the program runs. */

#ifndef FREEHOLD_BASE_LIBRARY_H
#define FREEHOLD_BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* What the file of a library of ours is called, and the variable of the environment that tells the
 * system where to look for libraries. */
#if defined(_WIN32)
#define FHI_LIBRARY_FILE(name) name ".dll"
#define FHI_LIBRARY_VARIABLE   "PATH"
#elif defined(__APPLE__)
#define FHI_LIBRARY_FILE(name) "lib" name ".0.dylib"
#define FHI_LIBRARY_VARIABLE   "DYLD_LIBRARY_PATH"
#else
#define FHI_LIBRARY_FILE(name) "lib" name ".so.0"
#define FHI_LIBRARY_VARIABLE   "LD_LIBRARY_PATH"
#endif

typedef void (*fhi_library_function)(void);

/* Opens the library at `path`, a file's or, without a slash, one that the system looks for. Its
 * names are seen by nobody else, and it prefers its own names, and those of what it was linked
 * with, to the program's. (But for builds with sanitizers, which cannot have that.) NULL: out_why
 * has the system's sentence, cut to `capacity`. */
void *fhi_library_open(const char *path, char *out_why, size_t capacity);

/* NULL: it has no such function. */
fhi_library_function fhi_library_find(void *library, const char *name);

/* NULL is a no-op. */
void fhi_library_close(void *library);

/* The folder of the library or program that `function` lies in, without a slash at its end. False:
 * it cannot be told, or is longer than `capacity`; out_folder is then "". */
bool fhi_library_folder(fhi_library_function function, char *out_folder, size_t capacity);

#endif
