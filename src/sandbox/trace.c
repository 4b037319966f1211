/* Frames are listed when there are two of the script's, or more: one alone is where the message
 * says that it is already. Functions of ours are left out.
 *
 * Lua cuts a chunk's name at 60 bytes in what it says, with "..." in front, which no editor finds.
 * Where a message begins with such a name, the whole one is put in its place. */

#include "sandbox/trace.h"

#include "sandbox/box.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    MESSAGE_MAX = 480, /* bytes of it that are told, without the file and line in front */
    NAME_MAX_BYTES = 64,
    PATH_MAX_BYTES = 255,
    FRAMES_SHOWN = 8,
    FRAMES_WALKED = 200
};

/* ---- writing a report ---- */

typedef struct writer {
    fhi_report *report;
    size_t length;
} writer;

static void put(writer *w, const char *text, size_t size)
{
    w->length += fhi_clean_text(w->report->text + w->length, sizeof w->report->text - w->length,
                                text, size, false);
}

static void put_text(writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_at_most(writer *w, const char *text, size_t most)
{
    size_t size = strlen(text);
    put(w, text, size < most ? size : most);
}

static void put_line_feed(writer *w)
{
    if (w->length + 1 < sizeof w->report->text) {
        w->report->text[w->length++] = '\n';
        w->report->text[w->length] = '\0';
    }
}

static void put_number(writer *w, int64_t number)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%" PRId64, number);
    put(w, text, (size_t)length);
}

/* "file:line". */
static void put_place(writer *w, const char *file, int line)
{
    put_at_most(w, file, PATH_MAX_BYTES);
    put_text(w, ":");
    put_number(w, line);
}

/* ---- frames ---- */

static const char *file_of(const lua_Debug *frame)
{
    return frame->source[0] == '@' ? frame->source + 1 : frame->short_src;
}

/* The next frame of the script's from *level on, which moves behind it. */
static bool next_frame(lua_State *L, int *level, lua_Debug *out_frame)
{
    while (*level < FRAMES_WALKED && lua_getstack(L, *level, out_frame) != 0) {
        (*level)++;
        if (lua_getinfo(L, "Sln", out_frame) != 0 && out_frame->currentline > 0) {
            return true;
        }
    }
    return false;
}

/* How much of the message is the file's name as Lua shortens it, with the colon. */
static size_t shortened(const char *message, size_t size, const char *short_name)
{
    size_t length = strlen(short_name);
    bool begins = size > length && memcmp(message, short_name, length) == 0;
    return begins && message[length] == ':' ? length + 1 : 0;
}

/* The message, which begins with the place of one of the frames already, or gets that of the
 * innermost one. */
static void put_message(writer *w, lua_State *L, const char *message, size_t size)
{
    lua_Debug frame;
    for (int level = 0; next_frame(L, &level, &frame);) {
        size_t prefix = shortened(message, size, frame.short_src);
        if (prefix > 0) {
            put_at_most(w, file_of(&frame), PATH_MAX_BYTES);
            put_text(w, ":");
            message += prefix;
            size -= prefix;
            put(w, message, size < MESSAGE_MAX ? size : MESSAGE_MAX);
            return;
        }
    }
    int first = 0;
    if (next_frame(L, &first, &frame)) {
        put_place(w, file_of(&frame), frame.currentline);
        put_text(w, ": ");
    }
    put(w, message, size < MESSAGE_MAX ? size : MESSAGE_MAX);
}

static void put_function(writer *w, const lua_Debug *frame)
{
    if (frame->name != NULL && frame->namewhat[0] != '\0') {
        put_text(w, frame->namewhat);
        put_text(w, " '");
        put_at_most(w, frame->name, NAME_MAX_BYTES);
        put_text(w, "'");
    } else if (strcmp(frame->what, "main") == 0) {
        put_text(w, "main chunk");
    } else {
        put_text(w, "function <");
        put_place(w, file_of(frame), frame->linedefined);
        put_text(w, ">");
    }
}

static void put_frames(writer *w, lua_State *L)
{
    lua_Debug frame;
    int level = 0;
    bool first = next_frame(L, &level, &frame);
    bool second = first && next_frame(L, &level, &frame);
    if (!second) {
        return;
    }
    level = 0;
    for (int shown = 0; next_frame(L, &level, &frame); shown++) {
        put_line_feed(w);
        if (shown == FRAMES_SHOWN) {
            put_text(w, "    ...");
            return;
        }
        put_text(w, "    ");
        put_place(w, file_of(&frame), frame.currentline);
        put_text(w, ": in ");
        put_function(w, &frame);
    }
}

/* ---- reporting ---- */

static bool wanted(const fhi_box *box)
{
    return box->report != NULL && box->report->text[0] == '\0';
}

static void report(lua_State *L, const char *message, size_t size)
{
    fhi_box *box = fhi_box_of(L);
    if (wanted(box)) {
        writer w = {box->report, 0};
        put_message(&w, L, message, size);
        put_frames(&w, L);
    }
}

void fhi_trace_stop(lua_State *L)
{
    const char *sentence = fhi_stop_sentence(fhi_box_of(L)->meter.stop);
    report(L, sentence, strlen(sentence));
}

int fhi_trace_handler(lua_State *L)
{
    if (!wanted(fhi_box_of(L))) {
        return 1;
    }
    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t size;
        const char *message = lua_tolstring(L, 1, &size);
        report(L, message, size);
        return 1;
    }
    char message[64];
    int length;
    if (lua_isinteger(L, 1)) {
        length = snprintf(message, sizeof message, "%" PRId64, (int64_t)lua_tointeger(L, 1));
    } else if (lua_type(L, 1) == LUA_TNUMBER) {
        length = snprintf(message, sizeof message, "%.14g", lua_tonumber(L, 1));
    } else {
        const char *type = lua_isuserdata(L, 1) ? "table" : luaL_typename(L, 1);
        length = snprintf(message, sizeof message, "(the error is a %s)", type);
    }
    report(L, message, (size_t)length);
    return 1;
}

void fhi_trace_compile(fhi_report *report, const char *name, const char *message, size_t size)
{
    writer w = {report, 0};
    char short_name[LUA_IDSIZE];
    size_t name_size = strlen(name);
    size_t room = sizeof short_name - 1;
    if (name_size <= room) {
        snprintf(short_name, sizeof short_name, "%s", name);
    } else {
        snprintf(short_name, sizeof short_name, "...%s", name + (name_size - (room - 3)));
    }
    size_t prefix = shortened(message, size, short_name);
    put_at_most(&w, name, PATH_MAX_BYTES);
    put_text(&w, prefix > 0 ? ":" : ": ");
    message += prefix;
    size -= prefix;
    put(&w, message, size < MESSAGE_MAX ? size : MESSAGE_MAX);
}
