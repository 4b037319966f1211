/* dladdr() and RTLD_DEEPBIND are extensions. */
#if !defined(_WIN32)
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#endif

#include "base/library.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Cut before the last slash; "" stays for the root. */
static bool cut_to_folder(char *path, const char *slashes)
{
    size_t length = strlen(path);
    while (length > 0 && !strchr(slashes, path[length - 1])) {
        length--;
    }
    if (length == 0) {
        path[0] = '\0';
        return false;
    }
    path[length - 1] = '\0';
    return true;
}

#if defined(_WIN32)

#include <windows.h>

void *fhi_library_open(const char *path, char *out_why, size_t capacity)
{
    HMODULE library = LoadLibraryA(path);
    if (!library) {
        snprintf(out_why, capacity, "%s: error %lu", path, (unsigned long)GetLastError());
    }
    return (void *)library;
}

fhi_library_function fhi_library_find(void *library, const char *name)
{
    union {
        FARPROC found;
        fhi_library_function function;
    } cast = {GetProcAddress((HMODULE)library, name)};
    return cast.function;
}

void fhi_library_close(void *library)
{
    if (library) {
        FreeLibrary((HMODULE)library);
    }
}

bool fhi_library_folder(fhi_library_function function, char *out_folder, size_t capacity)
{
    HMODULE module;
    out_folder[0] = '\0';
    DWORD flags =
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    if (!GetModuleHandleExA(flags, (LPCSTR)(uintptr_t)function, &module)) {
        return false;
    }
    DWORD length = GetModuleFileNameA(module, out_folder, (DWORD)capacity);
    if (length == 0 || length >= capacity) {
        out_folder[0] = '\0';
        return false;
    }
    return cut_to_folder(out_folder, "\\/");
}

#else

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <link.h>
#endif

/* Sanitizers bring functions of their own, which a library that prefers its own would not call. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(RTLD_DEEPBIND) && !defined(SANITIZED)
#define OWN_NAMES_FIRST RTLD_DEEPBIND
#else
#define OWN_NAMES_FIRST 0
#endif

void *fhi_library_open(const char *path, char *out_why, size_t capacity)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | OWN_NAMES_FIRST);
    if (!library) {
        const char *why = dlerror();
        snprintf(out_why, capacity, "%s", why ? why : path);
    }
    return library;
}

fhi_library_function fhi_library_find(void *library, const char *name)
{
    /* C has no cast from an object's address to a function's. */
    union {
        void *found;
        fhi_library_function function;
    } cast = {dlsym(library, name)};
    return cast.function;
}

void fhi_library_close(void *library)
{
    if (library) {
        dlclose(library);
    }
}

/* Is it the program itself? What the linker says of that is what it was called by, which may be
 * anything, and must not tell where code is loaded from. */
static bool is_program(void *address)
{
#if defined(__GLIBC__)
    Dl_info info;
    struct link_map *map = NULL;
    return dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) != 0 && map && !*map->l_name;
#else
    (void)address;
    return false;
#endif
}

bool fhi_library_folder(fhi_library_function function, char *out_folder, size_t capacity)
{
    union {
        fhi_library_function function;
        void *address;
    } cast = {function};
    char path[PATH_MAX] = "";
    Dl_info info;
    out_folder[0] = '\0';
    if (is_program(cast.address)) {
        if (readlink("/proc/self/exe", path, sizeof path - 1) < 0) {
            return false;
        }
    } else if (dladdr(cast.address, &info) == 0 || !info.dli_fname ||
               !strchr(info.dli_fname, '/') || !realpath(info.dli_fname, path)) {
        return false;
    }
    if (!cut_to_folder(path, "/") || strlen(path) >= capacity) {
        return false;
    }
    memcpy(out_folder, path, strlen(path) + 1);
    return true;
}

#endif
