#include "script/source.h"

#include "base/error.h"
#include "base/file.h"
#include "device/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fhi_report_write(fhi_report *report, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->text, sizeof report->text, format, arguments);
    va_end(arguments);
    fhi_text_clean(report->text);
}

fhi_report_head fhi_report_first(const fhi_report *report)
{
    fhi_report_head head;
    size_t length = strcspn(report->text, "\n");
    length = length < sizeof head.text ? length : sizeof head.text - 1;
    memcpy(head.text, report->text, length);
    head.text[length] = '\0';
    return head;
}

fhi_path_text fhi_path_shown(const char *path)
{
    static const char dots[] = "...";
    fhi_path_text shown;
    size_t length = strlen(path), start = 0;
    if (length >= sizeof shown.text) {
        start = sizeof dots - 1;
        memcpy(shown.text, dots, start);
        path += length - (sizeof shown.text - 1 - start);
        length = sizeof shown.text - 1 - start;
    }
    memcpy(shown.text + start, path, length + 1);
    return shown;
}

/* Source: FNV-1a, 64 bits. */
static uint64_t hash_more(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t hash_of(const void *bytes, size_t size)
{
    uint64_t hash = hash_more(UINT64_C(0xcbf29ce484222325), &size, sizeof size);
    return hash_more(hash, bytes, size);
}

/* A file that is not there counts as another content, so that its coming and going is noticed, and
 * so is why it is not there. */
static const char *read_and_hash(const char *path, char *out_text, size_t *out_size,
                                 uint64_t *out_hash)
{
    const char *fault = fhi_file_read(path, out_text, FHI_SOURCE_MAX, out_size);
    *out_hash = fault ? ~hash_of(fault, strlen(fault)) : hash_of(out_text, *out_size);
    return fault;
}

fh_result fhi_text_check(const char *name, const char *text, size_t size, fhi_report *out_report)
{
    if (size > FHI_SOURCE_MAX) {
        fhi_report_write(out_report, "%s: it is too long: %d bytes are the most", name,
                         FHI_SOURCE_MAX);
        return FH_ERR_SCRIPT;
    }
    const char *zero = memchr(text, '\0', size);
    if (!zero) {
        return FH_OK;
    }
    unsigned int line = 1;
    for (const char *at = text; at < zero; at++) {
        line += *at == '\n';
    }
    fhi_report_write(out_report, "%s:%u: there is a zero byte; a script is plain text", name, line);
    return FH_ERR_SCRIPT;
}

/* False: there is no room. */
static bool add(fhi_sources *sources, const char *path, uint64_t hash)
{
    size_t length = strlen(path);
    for (uint32_t i = 0; i < sources->count; i++) {
        if (strcmp(sources->list[i].path, path) == 0) {
            return true;
        }
    }
    if (sources->count == FHI_SOURCES_MAX || length >= FHI_PATH_MAX) {
        return false;
    }
    fhi_source *source = &sources->list[sources->count++];
    memcpy(source->path, path, length + 1);
    source->hash = hash;
    return true;
}

fh_result fhi_source_read(fhi_sources *sources, const char *path, char *out_text, size_t *out_size,
                          fhi_report *out_report)
{
    uint64_t hash;
    fhi_path_text shown = fhi_path_shown(path);
    const char *fault = read_and_hash(path, out_text, out_size, &hash);
    if (!add(sources, path, hash)) {
        fhi_report_write(out_report, "%s: it is more than a script can be made of: %d files",
                         shown.text, FHI_SOURCES_MAX);
        return FH_ERR_SCRIPT;
    }
    if (fault) {
        fhi_report_write(out_report, "%s: %s", shown.text, fault);
        return FH_ERR_IO;
    }
    return fhi_text_check(shown.text, out_text, *out_size, out_report);
}

/* ---- extending ---- */

/* A script names its neighbours, and nothing else on the machine. */
static bool is_neighbour(const char *name)
{
    if (!*name || fhi_path_is_absolute(name)) {
        return false;
    }
    for (const char *at = name; *at;) {
        size_t length = strcspn(at, "/\\");
        if (length == 2 && at[0] == '.' && at[1] == '.') {
            return false;
        }
        at += length;
        at += *at != '\0';
    }
    return true;
}

static bool is_there(const char *path, char *room)
{
    size_t size;
    return fhi_file_read(path, room, FHI_SOURCE_MAX, &size) == NULL;
}

static bool join(char *out_path, size_t capacity, const char *folder, const char *name,
                 const char *ending)
{
    bool here = strcmp(folder, ".") == 0;
    bool root = strcmp(folder, "/") == 0;
    int length = snprintf(out_path, capacity, "%s%s%s%s", here ? "" : folder,
                          here || root ? "" : "/", name, ending);
    return length > 0 && (size_t)length < capacity;
}

fh_result fhi_source_extend(fhi_sources *sources, const char *from, const char *name,
                            char *out_text, size_t *out_size, char *out_path,
                            fhi_report *out_report)
{
    enum {
        CAPACITY = 256
    };
    char folder[CAPACITY];

    *out_size = 0;
    out_path[0] = '\0';
    if (!is_neighbour(name)) {
        fhi_report_write(out_report,
                         "\"%s\" is not in the folder of %s or below, which is where what it "
                         "extends must be",
                         fhi_name_print(name).text, from);
        return FH_ERR_SCRIPT;
    }
    if (sources->count > 0 && strcmp(from, fhi_path_shown(sources->list[0].path).text) == 0) {
        from = sources->list[0].path;
    }
    if (!fhi_path_folder(from, folder, sizeof folder) ||
        !join(out_path, CAPACITY, folder, name, ".lua")) {
        out_path[0] = '\0';
        fhi_report_write(out_report, "the path of \"%s\" is longer than %d bytes",
                         fhi_name_print(name).text, CAPACITY - 1);
        return FH_ERR_SCRIPT;
    }
    /* When there is neither, it is the one with the ending that is waited for. */
    size_t length = strlen(name);
    bool ends = length > 4 && strcmp(name + length - 4, ".lua") == 0;
    if (!is_there(out_path, out_text)) {
        char plain[CAPACITY];
        join(plain, sizeof plain, folder, name, "");
        if (ends || is_there(plain, out_text)) {
            memcpy(out_path, plain, sizeof plain);
        }
    }
    return fhi_source_read(sources, out_path, out_text, out_size, out_report);
}

/* ---- changes ---- */

bool fhi_sources_changed(const fhi_sources *sources, char *room, uint64_t *out_hash,
                         bool *out_empty)
{
    bool changed = false;
    *out_hash = 0;
    *out_empty = false;
    for (uint32_t i = 0; i < sources->count; i++) {
        size_t size;
        uint64_t hash;
        const char *fault = read_and_hash(sources->list[i].path, room, &size, &hash);
        *out_empty = *out_empty || (!fault && size == 0);
        changed = changed || hash != sources->list[i].hash;
        *out_hash = hash_more(*out_hash, &hash, sizeof hash);
    }
    return changed;
}
