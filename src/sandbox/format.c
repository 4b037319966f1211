/* A format is walked once. Directives are taken apart here, and put together anew from their
 * checked parts for snprintf(), which sees numbers only: strings are padded and cut by ourselves,
 * zeros in them included. What is not finite is written by ourselves, too: whether it is "nan" or
 * "-nan" is another thing on each machine. */

#include "sandbox/format.h"

#include "sandbox/arg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    FLAGS_MAX = 5,  /* one of each */
    ITEM_MAX = 512, /* a number as text: 309 digits, the point, 99 more and a sign at most */
    FORM_MAX = 32,  /* a directive as text */
    COST_FLOAT = 400,
    COST_DIGITS = 8000 /* %f of a number that has hundreds of them */
};

/* "%-08.3f" and its like. */
typedef struct directive {
    char flags[FLAGS_MAX + 1];
    int width;     /* 0 = none */
    int precision; /* -1 = none */
    char conversion;
    bool left;
} directive;

/* ---- reading ---- */

/* A number of two digits at most. */
static const char *read_digits(const char *at, const char *end, int *out_value)
{
    *out_value = 0;
    for (int i = 0; i < 2 && at < end && *at >= '0' && *at <= '9'; i++) {
        *out_value = *out_value * 10 + (*at++ - '0');
    }
    return at;
}

/* Flags that a conversion may have; NULL = there is no such conversion. */
static const char *flags_of(char conversion)
{
    switch (conversion) {
    case 'd':
    case 'i':
        return "-+0 ";
    case 'u':
        return "-0";
    case 'o':
    case 'x':
    case 'X':
        return "-#0";
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
        return "-+#0 ";
    case 's':
    case 'c':
        return "-";
    default:
        return NULL;
    }
}

static void fail(lua_State *L, const char *from, const char *at, const char *end)
{
    size_t size = (size_t)(at - from) + (at < end ? 1 : 0);
    lua_pushlstring(L, from, size < FORM_MAX ? size : FORM_MAX);
    luaL_error(L, "invalid conversion '%%%s' to 'format'", lua_tostring(L, -1));
}

/* `at` is behind the '%'. Returns where the text goes on. */
static const char *read_directive(lua_State *L, const char *at, const char *end, directive *out)
{
    const char *from = at;
    memset(out, 0, sizeof *out);
    out->precision = -1;
    for (int count = 0; at < end && *at != '\0' && strchr("-+#0 ", *at) != NULL; at++) {
        if (count == FLAGS_MAX) {
            fail(L, from, at, end);
        }
        out->flags[count++] = *at;
        out->left = out->left || *at == '-';
    }
    at = read_digits(at, end, &out->width);
    if (at < end && *at == '.') {
        at = read_digits(at + 1, end, &out->precision);
    }
    const char *allowed = at < end ? flags_of(*at) : NULL;
    if (allowed == NULL || out->flags[strspn(out->flags, allowed)] != '\0' ||
        (*at == 'c' && out->precision >= 0)) {
        fail(L, from, at, end);
        return end;
    }
    out->conversion = *at;
    return at + 1;
}

/* ---- writing ---- */

static void add(lua_State *L, luaL_Buffer *buffer, const char *text, size_t size)
{
    if (luaL_bufflen(buffer) + size > FHI_STRING_MAX) {
        luaL_error(L, "the string would be longer than %d bytes", FHI_STRING_MAX);
    }
    luaL_addlstring(buffer, text, size);
}

static void add_padded(lua_State *L, luaL_Buffer *buffer, const directive *how, const char *text,
                       size_t size)
{
    static const char spaces[100] =
        "                                                                                         "
        "          ";
    size_t width = (size_t)how->width;
    size_t padding = size < width ? width - size : 0;
    if (!how->left) {
        add(L, buffer, spaces, padding);
    }
    add(L, buffer, text, size);
    if (how->left) {
        add(L, buffer, spaces, padding);
    }
}

/* The directive as snprintf() wants it. */
static void compose(const directive *how, const char *length, char out_form[FORM_MAX])
{
    char width[4] = "";
    char precision[8] = "";
    if (how->width > 0) {
        snprintf(width, sizeof width, "%d", how->width % 100);
    }
    if (how->precision >= 0) {
        snprintf(precision, sizeof precision, ".%d", how->precision % 100);
    }
    snprintf(out_form, FORM_MAX, "%%%s%s%s%s%c", how->flags, width, precision, length,
             how->conversion);
}

static void add_integer(lua_State *L, luaL_Buffer *buffer, const directive *how, int arg)
{
    char form[FORM_MAX];
    char item[ITEM_MAX];
    fhi_charge(L, FHI_COST_NUMBER);
    lua_Integer value = fhi_arg_integer(L, arg);
    compose(how, "ll", form);
    int size = snprintf(item, sizeof item, form, (long long)value);
    add(L, buffer, item, (size_t)size);
}

/* What is not finite. */
static void add_odd(lua_State *L, luaL_Buffer *buffer, const directive *how, lua_Number value)
{
    bool capital = how->conversion == 'E' || how->conversion == 'G';
    bool negative = !isnan(value) && value < 0;
    char item[5] = "";
    size_t size = 0;
    if (negative || strchr(how->flags, '+') != NULL) {
        item[size++] = negative ? '-' : '+';
    } else if (strchr(how->flags, ' ') != NULL) {
        item[size++] = ' ';
    }
    const char *word = isnan(value) ? (capital ? "NAN" : "nan") : (capital ? "INF" : "inf");
    while (*word != '\0') {
        item[size++] = *word++;
    }
    add_padded(L, buffer, how, item, size);
}

static void add_float(lua_State *L, luaL_Buffer *buffer, const directive *how, int arg)
{
    char form[FORM_MAX];
    char item[ITEM_MAX];
    lua_Number value = fhi_arg_number(L, arg);
    bool digits = how->conversion == 'f' && fabs(value) > 1e18;
    fhi_charge(L, digits ? COST_DIGITS : how->precision > 17 ? 4 * COST_FLOAT : COST_FLOAT);
    if (!isfinite(value)) {
        add_odd(L, buffer, how, value);
        return;
    }
    compose(how, "", form);
    int size = snprintf(item, sizeof item, form, value);
    add(L, buffer, item, (size_t)size);
}

static void add_text(lua_State *L, luaL_Buffer *buffer, const directive *how, int arg)
{
    luaL_checkany(L, arg);
    fhi_format_value(L, arg);
    /* On top of the stack it would be in the buffer's way. */
    lua_replace(L, arg);
    size_t size;
    const char *text = lua_tolstring(L, arg, &size);
    if (how->precision >= 0 && size > (size_t)how->precision) {
        size = (size_t)how->precision;
    }
    fhi_charge_bytes(L, size);
    add_padded(L, buffer, how, text, size);
}

static void add_item(lua_State *L, luaL_Buffer *buffer, const directive *how, int arg)
{
    switch (how->conversion) {
    case 's':
        add_text(L, buffer, how, arg);
        break;
    case 'c': {
        char byte = (char)(unsigned char)fhi_arg_integer(L, arg);
        add_padded(L, buffer, how, &byte, 1);
        break;
    }
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        add_integer(L, buffer, how, arg);
        break;
    default:
        add_float(L, buffer, how, arg);
        break;
    }
}

void fhi_format_push(lua_State *L, int first)
{
    int count = lua_gettop(L);
    size_t size;
    const char *at = fhi_arg_text(L, first, &size);
    const char *end = at + size;
    fhi_charge(L, FHI_COST_CALL + FHI_COST_STRING + size / 16);
    int arg = first;
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    while (at < end) {
        const char *percent = memchr(at, '%', (size_t)(end - at));
        const char *stop = percent != NULL ? percent : end;
        add(L, &buffer, at, (size_t)(stop - at));
        if (percent == NULL) {
            break;
        }
        fhi_charge(L, 20);
        at = percent + 1;
        if (at < end && *at == '%') {
            add(L, &buffer, "%", 1);
            at++;
            continue;
        }
        directive how;
        at = read_directive(L, at, end, &how);
        if (++arg > count) {
            luaL_argerror(L, arg, "no value");
        }
        add_item(L, &buffer, &how, arg);
    }
    luaL_pushresult(&buffer);
}

void fhi_format_value(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNUMBER: {
        fhi_charge(L, FHI_COST_NUMBER);
        lua_Number value = lua_tonumber(L, index);
        if (isnan(value)) {
            lua_pushliteral(L, "nan");
        } else {
            lua_pushvalue(L, index);
            lua_tostring(L, -1);
        }
        break;
    }
    case LUA_TSTRING:
        lua_pushvalue(L, index);
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        break;
    default:
        lua_pushstring(L, lua_isuserdata(L, index) ? "table" : luaL_typename(L, index));
        break;
    }
}
