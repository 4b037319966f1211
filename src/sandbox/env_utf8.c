/* utf8: as Lua's, but always strict: a surrogate, an overlong form or a code above 10FFFF is no
 * character. There is no charpattern, for there are no patterns. Texts are charged for as a whole
 * before they are walked.
 *
 * Source: The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences". */

#include "sandbox/arg.h"
#include "sandbox/env.h"
#include "sandbox/lua54.h"

enum {
    CODE_MAX = 0x10ffff,
    CODE_SIZE_MAX = 4,
    COST_CODE = 4
};

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The character at `at`: returns what comes behind it, or NULL when there is none. */
static const char *decode(const char *at, const char *end, lua_Integer *out_code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t lead = (unsigned char)*at++;
    if (lead < 0x80) {
        *out_code = lead;
        return at;
    }
    int size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4) {
        return NULL;
    }
    uint32_t code = lead & (0x7fU >> size);
    for (int i = 1; i < size; i++) {
        if (at == end || !is_continuation(*at)) {
            return NULL;
        }
        code = code << 6 | ((unsigned char)*at++ & 0x3fU);
    }
    if (code < least[size] || code > CODE_MAX || (code >= 0xd800 && code <= 0xdfff)) {
        return NULL;
    }
    *out_code = code;
    return at;
}

static size_t encode(uint32_t code, char out[CODE_SIZE_MAX])
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(unsigned char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(unsigned char)(leads[size] | code);
    return size;
}

static int utf8_char(lua_State *L)
{
    int count = lua_gettop(L);
    fhi_charge(L, (uint64_t)FHI_COST_CALL + (uint64_t)count * COST_CODE);
    fhi_arg_make(L, (uint64_t)count * CODE_SIZE_MAX);
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, (size_t)count * CODE_SIZE_MAX);
    size_t size = 0;
    for (int i = 1; i <= count; i++) {
        lua_Integer code = fhi_arg_integer(L, i);
        luaL_argcheck(L, code >= 0 && code <= CODE_MAX && (code < 0xd800 || code > 0xdfff), i,
                      "no character");
        size += encode((uint32_t)code, out + size);
    }
    luaL_pushresultsize(&buffer, size);
    return 1;
}

/* A position that counts from the end when it is negative; 0 = before the text. */
static lua_Integer absolute(lua_Integer position, size_t size)
{
    if (position >= 0) {
        return position;
    }
    return position < -(lua_Integer)size ? 0 : (lua_Integer)size + position + 1;
}

/* codepoint(text [, from [, to]]): those of the characters that begin there */
static int utf8_codepoint(lua_State *L)
{
    size_t size;
    const char *text = fhi_arg_text(L, 1, &size);
    lua_Integer from = absolute(fhi_arg_integer_or(L, 2, 1), size);
    lua_Integer to = absolute(fhi_arg_integer_or(L, 3, from), size);
    luaL_argcheck(L, from >= 1, 2, "out of bounds");
    luaL_argcheck(L, to <= (lua_Integer)size, 3, "out of bounds");
    fhi_charge(L, FHI_COST_CALL);
    if (from > to) {
        return 0;
    }
    fhi_charge(L, (uint64_t)(to - from + 1) * COST_CODE);
    luaL_checkstack(L, FHI_RESULTS_MAX, "too many characters");
    int count = 0;
    const char *end = text + size;
    for (const char *at = text + (from - 1); at < text + to; count++) {
        if (count == FHI_RESULTS_MAX) {
            luaL_error(L, "more than %d characters at once", FHI_RESULTS_MAX);
        }
        lua_Integer code = 0;
        at = decode(at, end, &code);
        if (at == NULL) {
            return luaL_error(L, "invalid UTF-8 code");
        }
        lua_pushinteger(L, code);
    }
    return count;
}

/* len(text [, from [, to]]): how many characters begin there, or nil and where there is none */
static int utf8_len(lua_State *L)
{
    size_t size;
    const char *text = fhi_arg_text(L, 1, &size);
    lua_Integer from = absolute(fhi_arg_integer_or(L, 2, 1), size);
    lua_Integer to = absolute(fhi_arg_integer_or(L, 3, -1), size);
    luaL_argcheck(L, from >= 1 && from <= (lua_Integer)size + 1, 2, "out of bounds");
    luaL_argcheck(L, to <= (lua_Integer)size, 3, "out of bounds");
    fhi_charge(L, FHI_COST_CALL + (from <= to ? (uint64_t)(to - from + 1) * COST_CODE : 0));
    lua_Integer count = 0;
    const char *end = text + size;
    for (const char *at = text + (from - 1); at < text + to; count++) {
        lua_Integer code;
        const char *next = decode(at, end, &code);
        if (next == NULL) {
            lua_pushnil(L);
            lua_pushinteger(L, (lua_Integer)(at - text) + 1);
            return 2;
        }
        at = next;
    }
    lua_pushinteger(L, count);
    return 1;
}

/* offset(text, n [, from]): where the n-th character, counted from there, begins; or nil */
static int utf8_offset(lua_State *L)
{
    size_t size;
    const char *text = fhi_arg_text(L, 1, &size);
    lua_Integer n = fhi_arg_integer(L, 2);
    lua_Integer from = absolute(fhi_arg_integer_or(L, 3, n >= 0 ? 1 : (lua_Integer)size + 1), size);
    luaL_argcheck(L, from >= 1 && from <= (lua_Integer)size + 1, 3, "position out of bounds");
    fhi_charge(L, FHI_COST_CALL + size / 2);
    /* The byte behind the text, which is a zero, begins a character, too. */
    lua_Integer at = from - 1;
    lua_Integer end = (lua_Integer)size;
    if (n == 0) {
        while (at > 0 && is_continuation(text[at])) {
            at--;
        }
        lua_pushinteger(L, at + 1);
        return 1;
    }
    if (is_continuation(text[at])) {
        return luaL_error(L, "initial position is a continuation byte");
    }
    for (; n < 0 && at > 0; n++) {
        at--;
        while (at > 0 && is_continuation(text[at])) {
            at--;
        }
    }
    for (n = n > 0 ? n - 1 : n; n > 0 && at < end; n--) {
        at++;
        while (is_continuation(text[at])) {
            at++;
        }
    }
    if (n == 0) {
        lua_pushinteger(L, at + 1);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

/* The iterator of codes(): (text, where the character before begins) to (where, code). */
static int next_code(lua_State *L)
{
    size_t size;
    fhi_charge(L, FHI_COST_CALL + COST_CODE);
    const char *text = fhi_arg_text(L, 1, &size);
    lua_Integer before = fhi_arg_integer(L, 2);
    const char *end = text + size;
    const char *at = text;
    lua_Integer code = 0;
    if (before < 0 || before > (lua_Integer)size) {
        return 0;
    }
    if (before > 0) {
        at = decode(text + (before - 1), end, &code);
    }
    const char *next = at != NULL && at < end ? decode(at, end, &code) : at;
    if (next == NULL) {
        return luaL_error(L, "invalid UTF-8 code");
    }
    if (at == end) {
        return 0;
    }
    lua_pushinteger(L, (lua_Integer)(at - text) + 1);
    lua_pushinteger(L, code);
    return 2;
}

static int utf8_codes(lua_State *L)
{
    size_t size;
    fhi_arg_text(L, 1, &size);
    fhi_charge(L, FHI_COST_CALL);
    lua_pushcfunction(L, next_code);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

void fhi_env_utf8(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"char", utf8_char}, {"codepoint", utf8_codepoint}, {"codes", utf8_codes},
        {"len", utf8_len},   {"offset", utf8_offset},       {NULL, NULL},
    };
    luaL_newlib(L, functions);
}
