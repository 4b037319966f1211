/* What every other header needs: how public functions are marked, and which version this is. */

#ifndef FREEHOLD_API_H
#define FREEHOLD_API_H

#define FH_VERSION_MAJOR  0
#define FH_VERSION_MINOR  1
#define FH_VERSION_PATCH  0
#define FH_VERSION_STRING "0.1.0"

/* The library is compiled with hidden visibility; what carries FH_API is what it exports. A program
 * that uses the Windows DLL defines FH_DLL; one that links the archive defines nothing. */
#if defined(_WIN32) && defined(FH_BUILD_DLL)
#define FH_API __declspec(dllexport)
#elif defined(_WIN32) && defined(FH_DLL)
#define FH_API __declspec(dllimport)
#elif defined(__GNUC__)
#define FH_API __attribute__((visibility("default")))
#else
#define FH_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The version of the library that is linked, as "major.minor.patch". FH_VERSION_STRING is the
 * version of the headers: they differ when a program meets another shared library than it was
 * compiled for.
 *
 * Owns:    a static string.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API const char *fh_version(void);

#ifdef __cplusplus
}
#endif

#endif
