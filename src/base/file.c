/* realpath() is an extension of POSIX. */
#if !defined(_WIN32)
#define _XOPEN_SOURCE 700 /* NOLINT(bugprone-reserved-identifier) */
#endif

#include "base/file.h"

#include <stdint.h>
#include <string.h>

enum {
    TRIES = 4 /* at a file that changes while it is read */
};

static const char *const too_long = "it is too long";
static const char *const changes = "it changes while it is read";

#if defined(_WIN32)

#include <windows.h>

static const char *const slashes = "\\/";

static const char *why(DWORD error)
{
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return "there is no such file";
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
        return "it may not be read";
    default:
        return "it cannot be read";
    }
}

static const char *read_open(HANDLE file, void *buffer, size_t capacity, size_t *out_size)
{
    BY_HANDLE_FILE_INFORMATION before, after;
    if (GetFileType(file) != FILE_TYPE_DISK || !GetFileInformationByHandle(file, &before)) {
        return "it is no file";
    }
    if (before.nFileSizeHigh != 0 || before.nFileSizeLow > capacity) {
        return too_long;
    }
    DWORD size = 0;
    if (!ReadFile(file, buffer, (DWORD)capacity, &size, NULL)) {
        return why(GetLastError());
    }
    if (!GetFileInformationByHandle(file, &after) || size != after.nFileSizeLow ||
        CompareFileTime(&before.ftLastWriteTime, &after.ftLastWriteTime) != 0) {
        return changes;
    }
    *out_size = size;
    return NULL;
}

static const char *read_once(const char *path, void *buffer, size_t capacity, size_t *out_size)
{
    DWORD attributes = GetFileAttributesA(path);
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
        return "it is a folder";
    }
    HANDLE file =
        CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        return why(GetLastError());
    }
    const char *fault = read_open(file, buffer, capacity, out_size);
    CloseHandle(file);
    return fault;
}

bool fhi_path_target(const char *path, char *out_path, size_t capacity)
{
    DWORD length = GetFullPathNameA(path, (DWORD)capacity, out_path, NULL);
    if (length == 0 || length >= capacity) {
        out_path[0] = '\0';
        return false;
    }
    return true;
}

bool fhi_path_is_absolute(const char *path)
{
    return path[0] == '/' || path[0] == '\\' || (path[0] != '\0' && path[1] == ':');
}

#else

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const slashes = "/";

static const char *why(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "there is no such file";
    case EACCES:
    case EPERM:
        return "it may not be read";
    case ELOOP:
        return "its symbolic links go round in a circle";
    case ENAMETOOLONG:
        return "its path is too long";
    case EMFILE:
    case ENFILE:
        return "too many files are open";
    default:
        return "it cannot be read";
    }
}

static const char *check_kind(const struct stat *info)
{
    if (S_ISREG(info->st_mode)) {
        return NULL;
    }
    return S_ISDIR(info->st_mode)    ? "it is a folder"
           : S_ISFIFO(info->st_mode) ? "it is a pipe"
           : S_ISSOCK(info->st_mode) ? "it is a socket"
                                     : "it is a device";
}

#if defined(__APPLE__)
#define CHANGED_AT st_mtimespec
#else
#define CHANGED_AT st_mtim
#endif

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->CHANGED_AT.tv_sec == b->CHANGED_AT.tv_sec &&
           a->CHANGED_AT.tv_nsec == b->CHANGED_AT.tv_nsec;
}

static const char *read_open(int file, void *buffer, size_t capacity, size_t *out_size)
{
    struct stat before, after;
    char *to = buffer;
    size_t size = 0;
    char beyond;
    if (fstat(file, &before) != 0) {
        return why(errno);
    }
    const char *fault = check_kind(&before);
    if (fault) {
        return fault;
    }
    /* A file's length is what can be read of it: some systems' files say 0. */
    for (;;) {
        bool full = size == capacity;
        ssize_t got = read(file, full ? &beyond : to + size, full ? 1 : capacity - size);
        if (got < 0 && errno != EINTR) {
            return why(errno);
        }
        if (got == 0) {
            break;
        }
        if (full && got > 0) {
            return too_long;
        }
        size += got > 0 ? (size_t)got : 0;
    }
    if (fstat(file, &after) != 0 || !is_same(&before, &after)) {
        return changes;
    }
    *out_size = size;
    return NULL;
}

static const char *read_once(const char *path, void *buffer, size_t capacity, size_t *out_size)
{
    struct stat info;
    /* Before it is opened, which some devices notice; and after, for it may have been exchanged. */
    if (stat(path, &info) != 0) {
        return why(errno);
    }
    const char *fault = check_kind(&info);
    if (fault) {
        return fault;
    }
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (file < 0) {
        return why(errno);
    }
    fault = read_open(file, buffer, capacity, out_size);
    close(file);
    return fault;
}

bool fhi_path_target(const char *path, char *out_path, size_t capacity)
{
    out_path[0] = '\0';
    /* With room of its own: PATH_MAX is not everywhere a bound. */
    char *target = realpath(path, NULL);
    size_t length = target ? strlen(target) : capacity;
    if (length < capacity) {
        memcpy(out_path, target, length + 1);
    }
    free(target);
    return length < capacity;
}

bool fhi_path_is_absolute(const char *path)
{
    return path[0] == '/';
}

#endif

const char *fhi_file_read(const char *path, void *buffer, size_t capacity, size_t *out_size)
{
    const char *fault = changes;
    for (int i = 0; i < TRIES && fault == changes; i++) {
        *out_size = 0;
        fault = read_once(path, buffer, capacity, out_size);
    }
    return fault;
}

const char *fhi_path_name(const char *path)
{
    const char *name = path;
    for (const char *at = path; *at; at++) {
        if (strchr(slashes, *at)) {
            name = at + 1;
        }
    }
    return name;
}

bool fhi_path_folder(const char *path, char *out_folder, size_t capacity)
{
    size_t length = (size_t)(fhi_path_name(path) - path);
    const char *from = path;
    if (length == 0) {
        from = ".";
        length = 1;
    } else if (length > 1) {
        length--; /* the slash; but that of the root */
    }
    if (length >= capacity) {
        out_folder[0] = '\0';
        return false;
    }
    memcpy(out_folder, from, length);
    out_folder[length] = '\0';
    return true;
}
