/* string: plain searching only. A pattern that backtracks is work that no one sees coming, and
 * names and tags want no more than contains() and starts_with().
 *
 * find() tries each place where the first byte fits, and charges for each try: what it costs is
 * seen while it happens. Something linear in the worst case would need a table or 200 lines, for
 * texts that are 30 bytes long. Letters are those of ASCII, whatever the locale says. */

#include "sandbox/arg.h"
#include "sandbox/env.h"
#include "sandbox/format.h"
#include "sandbox/lua54.h"

#include <string.h>

/* The first place of `what` in `text`, or NULL. */
static const char *search(lua_State *L, const char *text, size_t text_size, const char *what,
                          size_t what_size)
{
    fhi_charge(L, FHI_COST_CALL + text_size / 16);
    if (what_size == 0) {
        return text;
    }
    if (what_size > text_size) {
        return NULL;
    }
    const char *at = text;
    const char *last = text + (text_size - what_size); /* where it may begin */
    while (at <= last) {
        at = memchr(at, what[0], (size_t)(last - at) + 1);
        if (at == NULL) {
            return NULL;
        }
        fhi_charge(L, 6 + what_size / 16);
        if (memcmp(at, what, what_size) == 0) {
            return at;
        }
        at++;
    }
    return NULL;
}

int fhi_env_contains(lua_State *L)
{
    size_t text_size;
    size_t what_size;
    const char *text = fhi_arg_text(L, 1, &text_size);
    const char *what = fhi_arg_text(L, 2, &what_size);
    lua_pushboolean(L, search(L, text, text_size, what, what_size) != NULL);
    return 1;
}

int fhi_env_starts_with(lua_State *L)
{
    size_t text_size;
    size_t what_size;
    const char *text = fhi_arg_text(L, 1, &text_size);
    const char *what = fhi_arg_text(L, 2, &what_size);
    fhi_charge(L, FHI_COST_CALL + what_size / 16);
    lua_pushboolean(L, what_size <= text_size && memcmp(text, what, what_size) == 0);
    return 1;
}

/* find(text, what [, init]): from and to, or nil. */
static int string_find(lua_State *L)
{
    size_t text_size;
    size_t what_size;
    const char *text = fhi_arg_text(L, 1, &text_size);
    const char *what = fhi_arg_text(L, 2, &what_size);
    uint64_t init = fhi_arg_start(fhi_arg_integer_or(L, 3, 1), text_size) - 1;
    if (init > text_size) {
        lua_pushnil(L);
        return 1;
    }
    const char *found = search(L, text + init, text_size - init, what, what_size);
    if (found == NULL) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, (lua_Integer)(found - text) + 1);
    lua_pushinteger(L, (lua_Integer)(found - text) + (lua_Integer)what_size);
    return 2;
}

static int string_byte(lua_State *L)
{
    size_t size;
    const char *text = fhi_arg_text(L, 1, &size);
    lua_Integer first = fhi_arg_integer_or(L, 2, 1);
    uint64_t from = fhi_arg_start(first, size);
    uint64_t to = fhi_arg_end(fhi_arg_integer_or(L, 3, first), size);
    if (from > to) {
        fhi_charge(L, FHI_COST_CALL);
        return 0;
    }
    uint64_t count = to - from + 1;
    if (count > FHI_RESULTS_MAX) {
        luaL_error(L, "more than %d bytes at once", FHI_RESULTS_MAX);
    }
    fhi_charge(L, FHI_COST_CALL + count * 2);
    luaL_checkstack(L, (int)count, "too many bytes");
    for (uint64_t i = from - 1; i < to; i++) {
        lua_pushinteger(L, (unsigned char)text[i]);
    }
    return (int)count;
}

static int string_char(lua_State *L)
{
    int count = lua_gettop(L);
    fhi_charge(L, (uint64_t)FHI_COST_CALL + (uint64_t)count * 2);
    fhi_arg_make(L, (uint64_t)count);
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, (size_t)count);
    for (int i = 1; i <= count; i++) {
        lua_Integer byte = fhi_arg_integer(L, i);
        luaL_argcheck(L, byte >= 0 && byte <= 255, i, "no byte");
        out[i - 1] = (char)(unsigned char)byte;
    }
    luaL_pushresultsize(&buffer, (size_t)count);
    return 1;
}

static int string_len(lua_State *L)
{
    size_t size;
    fhi_arg_text(L, 1, &size);
    fhi_charge(L, FHI_COST_CALL);
    lua_pushinteger(L, (lua_Integer)size);
    return 1;
}

static int string_sub(lua_State *L)
{
    size_t size;
    const char *text = fhi_arg_text(L, 1, &size);
    uint64_t from = fhi_arg_start(fhi_arg_integer(L, 2), size);
    uint64_t to = fhi_arg_end(fhi_arg_integer_or(L, 3, -1), size);
    uint64_t count = from <= to ? to - from + 1 : 0;
    fhi_charge(L, FHI_COST_CALL);
    fhi_arg_make(L, count);
    lua_pushlstring(L, count > 0 ? text + (from - 1) : "", (size_t)count);
    return 1;
}

/* rep(text, n [, separator]) */
static int string_rep(lua_State *L)
{
    size_t text_size;
    size_t separator_size = 0;
    const char *text = fhi_arg_text(L, 1, &text_size);
    lua_Integer n = fhi_arg_integer(L, 2);
    const char *separator = lua_isnoneornil(L, 3) ? "" : fhi_arg_text(L, 3, &separator_size);
    fhi_charge(L, FHI_COST_CALL);
    if (n <= 0 || text_size + separator_size == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    /* The first sizes are sizes of strings, and n is bounded before it is multiplied. */
    uint64_t bounded = (uint64_t)n <= FHI_STRING_MAX + 1 ? (uint64_t)n : FHI_STRING_MAX + 2;
    uint64_t total = bounded * text_size + (bounded - 1) * separator_size;
    fhi_arg_make(L, total);
    fhi_charge(L, bounded * 4);
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, (size_t)total);
    for (uint64_t i = 0; i < bounded; i++) {
        if (i > 0) {
            memcpy(out, separator, separator_size);
            out += separator_size;
        }
        memcpy(out, text, text_size);
        out += text_size;
    }
    luaL_pushresultsize(&buffer, (size_t)total);
    return 1;
}

typedef enum change {
    CHANGE_LOWER,
    CHANGE_UPPER,
    CHANGE_REVERSE
} change;

static int changed(lua_State *L, change what)
{
    size_t size;
    const char *text = fhi_arg_text(L, 1, &size);
    fhi_charge(L, FHI_COST_CALL + size);
    fhi_arg_make(L, size);
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, size);
    for (size_t i = 0; i < size; i++) {
        char byte = text[i];
        if (what == CHANGE_LOWER && byte >= 'A' && byte <= 'Z') {
            byte = (char)(byte + ('a' - 'A'));
        } else if (what == CHANGE_UPPER && byte >= 'a' && byte <= 'z') {
            byte = (char)(byte - ('a' - 'A'));
        }
        out[what == CHANGE_REVERSE ? size - 1 - i : i] = byte;
    }
    luaL_pushresultsize(&buffer, size);
    return 1;
}

static int string_lower(lua_State *L)
{
    return changed(L, CHANGE_LOWER);
}

static int string_upper(lua_State *L)
{
    return changed(L, CHANGE_UPPER);
}

static int string_reverse(lua_State *L)
{
    return changed(L, CHANGE_REVERSE);
}

static int string_format(lua_State *L)
{
    fhi_format_push(L, 1);
    return 1;
}

void fhi_env_string(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"byte", string_byte},
        {"char", string_char},
        {"contains", fhi_env_contains},
        {"find", string_find},
        {"format", string_format},
        {"len", string_len},
        {"lower", string_lower},
        {"rep", string_rep},
        {"reverse", string_reverse},
        {"starts_with", fhi_env_starts_with},
        {"sub", string_sub},
        {"upper", string_upper},
        {NULL, NULL},
    };
    luaL_newlib(L, functions);
}
