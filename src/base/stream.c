/* Opened by the system's own call where there is one: fopen() would wait for a pipe's other end,
 * and has no portable way to keep a file from programs that are started later. */

/* fdopen() and O_CLOEXEC are POSIX; and files beyond 2 GiB on 32 bits. */
#if !defined(_WIN32)
#define _XOPEN_SOURCE     700 /* NOLINT(bugprone-reserved-identifier) */
#define _FILE_OFFSET_BITS 64  /* NOLINT(bugprone-reserved-identifier) */
#endif

#include "base/stream.h"

#include <errno.h>
#include <stddef.h>

const char *fhi_stream_why(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "there is no such file or folder";
    case EACCES:
    case EPERM:
    case EROFS:
        return "it is not permitted";
    case EISDIR:
        return "it is a folder";
    case ENAMETOOLONG:
        return "its path is too long";
    case EMFILE:
    case ENFILE:
        return "too many files are open";
    case ENOSPC:
        return "the disk is full";
    case EFBIG:
        return "the file would be larger than the system permits";
    case EPIPE:
        return "nobody reads it any more";
#if defined(EDQUOT)
    case EDQUOT:
        return "the disk quota is used up";
#endif
    case EIO:
        return "the disk has an error";
    default:
        return "the system refuses";
    }
}

#if defined(_WIN32)

#include <sys/stat.h>
#include <sys/types.h>

FILE *fhi_stream_open(const char *path, uint64_t *out_size, const char **out_why)
{
    struct _stat64 info;
    *out_size = 0;
    *out_why = NULL;
    if (_stat64(path, &info) == 0 && (info.st_mode & _S_IFMT) != _S_IFREG) {
        *out_why = (info.st_mode & _S_IFMT) == _S_IFDIR ? "it is a folder" : "it is no file";
        return NULL;
    }
    FILE *stream = fopen(path, "rbN");
    if (!stream) {
        *out_why = fhi_stream_why(errno);
        return NULL;
    }
    if (_fstat64(_fileno(stream), &info) != 0) {
        *out_why = fhi_stream_why(errno);
        fclose(stream);
        return NULL;
    }
    *out_size = (uint64_t)info.st_size;
    return stream;
}

FILE *fhi_stream_create(const char *path, const char **out_why)
{
    FILE *stream = fopen(path, "wbN");
    *out_why = stream ? NULL : fhi_stream_why(errno);
    if (stream) {
        setvbuf(stream, NULL, _IONBF, 0);
    }
    return stream;
}

#else

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *check_kind(mode_t mode)
{
    if (S_ISREG(mode)) {
        return NULL;
    }
    return S_ISDIR(mode)    ? "it is a folder"
           : S_ISFIFO(mode) ? "it is a pipe"
           : S_ISSOCK(mode) ? "it is a socket"
                            : "it is a device";
}

static FILE *stream_of(int file, const char *mode, const char **out_why)
{
    FILE *stream = fdopen(file, mode);
    if (!stream) {
        *out_why = fhi_stream_why(errno);
        close(file);
    }
    return stream;
}

FILE *fhi_stream_open(const char *path, uint64_t *out_size, const char **out_why)
{
    struct stat info;
    *out_size = 0;
    *out_why = NULL;
    /* Before it is opened, which some devices notice; and after, for it may have been exchanged. */
    if (stat(path, &info) != 0) {
        *out_why = fhi_stream_why(errno);
        return NULL;
    }
    *out_why = check_kind(info.st_mode);
    if (*out_why) {
        return NULL;
    }
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (file < 0) {
        *out_why = fhi_stream_why(errno);
        return NULL;
    }
    *out_why = fstat(file, &info) != 0 ? fhi_stream_why(errno) : check_kind(info.st_mode);
    if (*out_why) {
        close(file);
        return NULL;
    }
    *out_size = (uint64_t)info.st_size;
    return stream_of(file, "rb", out_why);
}

FILE *fhi_stream_create(const char *path, const char **out_why)
{
    *out_why = NULL;
    struct stat info;
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (file < 0) {
        *out_why = fhi_stream_why(errno);
        return NULL;
    }
    /* Emptied only by who has it alone. A file system that knows no locks lets everybody. */
    if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        *out_why = "it is being written already";
        close(file);
        return NULL;
    }
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && ftruncate(file, 0) != 0) {
        *out_why = fhi_stream_why(errno);
        close(file);
        return NULL;
    }
    FILE *stream = stream_of(file, "wb", out_why);
    if (stream) {
        setvbuf(stream, NULL, _IONBF, 0);
    }
    return stream;
}

#endif
