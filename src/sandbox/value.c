/* Nothing is converted from strings to numbers but sizes with a unit: a number that came out of a
 * text unnoticed is a mistake waiting for its day. Everything is read raw.
 *
 * What is wrong is found in an order of our own, never in that of lua_next(), which differs from
 * run to run: the same mistakes give the same sentence. */

#include "sandbox/value.h"

#include "base/bits.h"
#include "sandbox/box.h"
#include "sandbox/decision.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#define EXACT_MAX 9007199254740992.0 /* 2^53 */

/* ---- sizes ---- */

/* The digits from *at on, the first `most` of them, as a number; *at is moved behind all of them.
 * False: too large. */
static bool parse_digits(const char **at, const char *end, int most, uint64_t *out, int *out_count)
{
    uint64_t value = 0;
    int count = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        if (count < most) {
            uint64_t digit = (uint64_t)(**at - '0');
            if (value > ((uint64_t)LUA_MAXINTEGER - digit) / 10) {
                return false;
            }
            value = value * 10 + digit;
            count++;
        }
    }
    *out = value;
    *out_count = count;
    return true;
}

static void skip_blanks(const char **at, const char *end)
{
    while (*at < end && **at == ' ') {
        (*at)++;
    }
}

/* In integers, so that it is the same on every machine. Of a fraction seven digits count: times
 * 2^40, the largest unit, they just fit. */
bool fhi_parse_bytes(const char *text, size_t size, uint64_t *out)
{
    static const struct {
        const char *name;
        int shift;
    } units[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
    const char *at = text, *end = text + size;
    uint64_t whole, part = 0, scale = 1;
    int whole_count, part_count = 0;
    skip_blanks(&at, end);
    if (!parse_digits(&at, end, INT_MAX, &whole, &whole_count)) {
        return false;
    }
    if (at < end && *at == '.') {
        at++;
        parse_digits(&at, end, 7, &part, &part_count);
    }
    if (whole_count == 0 || (at > text && at[-1] == '.')) {
        return false;
    }
    skip_blanks(&at, end);
    for (int i = 0; i < part_count; i++) {
        scale *= 10;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) != (size_t)(end - at) ||
            memcmp(units[i].name, at, (size_t)(end - at)) != 0) {
            continue;
        }
        if (whole > (uint64_t)LUA_MAXINTEGER >> units[i].shift) {
            return false;
        }
        uint64_t bytes = (whole << units[i].shift) + (part << units[i].shift) / scale;
        *out = bytes;
        return bytes <= (uint64_t)LUA_MAXINTEGER;
    }
    return false;
}

bool fhi_value_bytes(lua_State *L, int index, uint64_t *out, const char **out_why)
{
    *out_why = "bytes (an integer from 0, or a text such as \"512MiB\")";
    if (lua_type(L, index) == LUA_TSTRING) {
        size_t size;
        const char *text = lua_tolstring(L, index, &size);
        if (!fhi_parse_bytes(text, size, out)) {
            return false;
        }
        *out_why = "bytes as a text with a unit, such as \"512MiB\" or \"100B\",";
        return text[size - 1] == 'B';
    }
    if (lua_isinteger(L, index)) {
        lua_Integer value = lua_tointeger(L, index);
        *out = (uint64_t)value;
        return value >= 0;
    }
    if (lua_type(L, index) == LUA_TNUMBER) {
        double value = lua_tonumber(L, index);
        if (!(value >= 0.0 && value <= EXACT_MAX)) {
            if (value > 0.0) {
                *out_why = "bytes (a float is 2^53 at most)";
            }
            return false;
        }
        *out = (uint64_t)value;
        return true;
    }
    return false;
}

uint64_t fhi_value_size(lua_State *L, int index, const fhi_path *path)
{
    uint64_t bytes = 0;
    const char *why;
    if (!fhi_value_bytes(L, index, &bytes, &why)) {
        fhi_refuse_value(L, index, path, why);
    }
    return bytes;
}

/* ---- out ---- */

void fhi_value_push_size(lua_State *L, uint64_t size)
{
    if (size > (uint64_t)LUA_MAXINTEGER) {
        lua_pushnil(L);
    } else {
        lua_pushinteger(L, (lua_Integer)size);
    }
}

void fhi_value_push_text(lua_State *L, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        lua_pushnil(L);
    } else {
        lua_pushstring(L, text);
    }
}

void fhi_value_push_set(lua_State *L, uint32_t bits, const char *const *words)
{
    lua_newtable(L);
    for (int i = 0; words[i] != NULL; i++) {
        if ((bits >> i & 1) != 0) {
            lua_pushboolean(L, 1);
            lua_setfield(L, -2, words[i]);
        }
    }
}

static void push_indices(lua_State *L, uint32_t mask)
{
    lua_Integer count = 0;
    lua_newtable(L);
    for (int i = 0; i < 32; i++) {
        if ((mask >> i & 1) != 0) {
            lua_pushinteger(L, i);
            lua_rawseti(L, -2, ++count);
        }
    }
}

/* A word that C has and the contract has not is a number: better than a crash. */
static void push_word(lua_State *L, uint32_t value, const char *const *words)
{
    for (uint32_t i = 0; words[i] != NULL; i++) {
        if (i == value) {
            lua_pushstring(L, words[i]);
            return;
        }
    }
    lua_pushinteger(L, (lua_Integer)value);
}

void fhi_value_push(lua_State *L, const fhi_facts_scope *scope, const fhi_member *member,
                    const void *at)
{
    switch (member->type) {
    case FHI_VALUE_BYTES:
    case FHI_VALUE_INTEGER:
        fhi_value_push_size(L, *(const uint64_t *)at);
        break;
    case FHI_VALUE_COUNT:
        lua_pushinteger(L, (lua_Integer) * (const uint32_t *)at);
        break;
    case FHI_VALUE_PLACE:
        lua_pushinteger(L, (lua_Integer) * (const uint32_t *)at + 1);
        break;
    case FHI_VALUE_FLOAT:
        lua_pushnumber(L, (lua_Number) * (const float *)at);
        break;
    case FHI_VALUE_NUMBER:
        lua_pushnumber(L, *(const double *)at);
        break;
    case FHI_VALUE_BOOLEAN:
        lua_pushboolean(L, *(const bool *)at);
        break;
    case FHI_VALUE_CHOICE:
        push_word(L, (uint32_t) * (const int *)at, member->words);
        break;
    case FHI_VALUE_FLAGS:
        fhi_value_push_set(L, *(const uint32_t *)at, member->words);
        break;
    case FHI_VALUE_TEXT:
        fhi_value_push_text(L, member->room != 0 ? (const char *)at : *(const char *const *)at);
        break;
    case FHI_VALUE_TAG:
        fhi_value_push_tag(L, scope, *(const fh_tag *)at);
        break;
    case FHI_VALUE_MS:
        lua_pushnumber(L, (lua_Number) * (const uint64_t *)at / 1e6);
        break;
    case FHI_VALUE_INDICES:
        push_indices(L, *(const uint32_t *)at);
        break;
    default:
        lua_pushnil(L);
        break;
    }
}

void fhi_value_push_tag(lua_State *L, const fhi_facts_scope *scope, fh_tag tag)
{
    fhi_value_push_text(
        L, tag == 0 || scope->tag_name == NULL ? NULL : scope->tag_name(scope->context, tag));
}

static void special_of_account(const fhi_member *member, const fh_account *account,
                               fhi_special *out)
{
    if (strcmp(member->name, "heap") == 0 && account->scope == FH_ACCOUNT_HEAP) {
        *out = (fhi_special){.kind = FHI_SPECIAL_PLACE, .number = account->index + 1};
    } else if (strcmp(member->name, "kind") == 0 && account->scope == FH_ACCOUNT_KIND &&
               account->index < (uint32_t)FH_KIND_COUNT) {
        *out = (fhi_special){.kind = FHI_SPECIAL_WORD, .word = member->words[account->index]};
    } else if (strcmp(member->name, "tag") == 0 && account->scope == FH_ACCOUNT_TAG) {
        *out = (fhi_special){.kind = FHI_SPECIAL_TAG, .number = account->index};
    }
}

static void special_of_request(const fhi_member *member, const fh_request *request,
                               fhi_special *out)
{
    bool by_limit = request->reason == FH_ERR_BUDGET;
    if (strcmp(member->name, "reason") == 0) {
        if (by_limit || request->reason == FH_ERR_OUT_OF_MEMORY) {
            *out = (fhi_special){.kind = FHI_SPECIAL_WORD, .word = member->words[by_limit ? 0 : 1]};
        }
    } else if (by_limit) {
        *out = (fhi_special){.kind = FHI_SPECIAL_ACCOUNT, .account = &request->account};
    }
}

void fhi_value_special(const fhi_shape *shape, const fhi_member *member, const void *data,
                       fhi_special *out)
{
    *out = (fhi_special){FHI_SPECIAL_NIL, NULL, 0, NULL};
    if (shape->size == sizeof(fh_request)) {
        special_of_request(member, data, out);
    } else {
        special_of_account(member, data, out);
    }
}

/* ---- in ---- */

uint32_t fhi_value_word(lua_State *L, int index, const char *const *words, const fhi_path *path)
{
    if (lua_type(L, index) == LUA_TSTRING) {
        size_t size;
        const char *text = lua_tolstring(L, index, &size);
        for (uint32_t i = 0; words[i] != NULL; i++) {
            if (strcmp(words[i], text) == 0 && strlen(words[i]) == size) {
                return i;
            }
        }
    }
    return (uint32_t)fhi_refuse_word(L, index, path, "word", words);
}

const char *fhi_value_name(lua_State *L, int index, const fhi_path *path)
{
    char clean[FHI_NAME_MAX + 1];
    size_t size = 0;
    const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &size) : NULL;
    if (size == 0 || size > FHI_NAME_MAX ||
        fhi_clean_text(clean, sizeof clean, text, size, false) != size ||
        memcmp(clean, text, size) != 0) {
        fhi_refuse_value(L, index, path,
                         "a name (1 to 63 bytes of UTF-8 without control characters)");
    }
    return text;
}

uint32_t fhi_value_list(lua_State *L, int index, uint32_t most, const fhi_path *path)
{
    uint32_t count = 0;
    lua_Integer last = 0;
    bool other_keys = false;
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_refuse_value(L, index, path, "a list");
    }
    if (lua_rawlen(L, index) > most) {
        fhi_refuse(L, path, "at most %d entries expected, got more", (int)most);
    }
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1) {
            other_keys = true;
        } else if (lua_tointeger(L, -1) > last) {
            last = lua_tointeger(L, -1);
        }
        if (++count > most) {
            fhi_refuse(L, path, "at most %d entries expected, got more", (int)most);
        }
    }
    if (other_keys) {
        fhi_refuse(L, path, "a list expected, got a table with other keys");
    }
    if (last != count) {
        fhi_refuse(L, path, "a list without holes expected");
    }
    return count;
}

/* Push a bound as people write it: 8, and not 8.0. */
static const char *push_bound(lua_State *L, double bound)
{
    return bound == floor(bound) ? lua_pushfstring(L, "%d", (int)bound)
                                 : lua_pushfstring(L, "%f", (LUAI_UACNUMBER)bound);
}

static void check_range(lua_State *L, int index, const fhi_member *member, double value,
                        const fhi_path *path)
{
    if (member->min > member->max || (value >= member->min && value <= member->max)) {
        return;
    }
    if (member->max >= 18446744073709551616.0) {
        fhi_refuse(L, path, "at least %s expected, got %s", push_bound(L, member->min),
                   fhi_describe(L, index));
    }
    fhi_refuse(L, path, "%s to %s expected, got %s", push_bound(L, member->min),
               push_bound(L, member->max), fhi_describe(L, index));
}

static double read_number(lua_State *L, int index, const fhi_path *path)
{
    double value = lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : NAN;
    if (!isfinite(value)) {
        fhi_refuse_value(L, index, path, "a finite number");
    }
    return value;
}

static uint64_t read_integer(lua_State *L, int index, uint64_t most, const fhi_path *path)
{
    int exact = 0;
    lua_Integer value = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &exact) : 0;
    if (!exact || value < 0 || (uint64_t)value > most) {
        fhi_refuse_value(L, index, path,
                         most == UINT32_MAX ? "an integer from 0 to 4294967295"
                                            : "an integer from 0");
    }
    return (uint64_t)value;
}

static uint32_t read_indices(lua_State *L, int index, const fhi_path *path)
{
    uint32_t mask = 0;
    uint32_t count = fhi_value_list(L, index, 32, path);
    if (count == 0) {
        fhi_refuse(L, path, "at least one entry expected");
    }
    for (uint32_t i = 1; i <= count; i++) {
        int exact = 0;
        lua_rawgeti(L, index, (lua_Integer)i);
        lua_Integer value = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &exact) : 0;
        if (!exact || value < 0 || value > 31) {
            fhi_refuse_value(L, lua_gettop(L), path, "integers from 0 to 31");
        }
        mask |= UINT32_C(1) << value;
        lua_pop(L, 1);
    }
    return mask;
}

/* "a|b": each word is pushed for its turn. */
static uint32_t read_flags_text(lua_State *L, int index, const char *const *words,
                                const fhi_path *path)
{
    uint32_t bits = 0;
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    if (strlen(text) != size) {
        return UINT32_C(1) << fhi_value_word(L, index, words, path); /* refused */
    }
    for (;;) {
        size_t length = strcspn(text, "|");
        lua_pushlstring(L, text, length);
        bits |= UINT32_C(1) << fhi_value_word(L, lua_gettop(L), words, path);
        lua_pop(L, 1);
        if (text[length] == '\0') {
            return bits;
        }
        text += length + 1;
    }
}

/* A set, as facts show it, a list of words, or "a|b", as options have it. */
static uint32_t read_flags(lua_State *L, int index, const char *const *words, const fhi_path *path)
{
    uint32_t bits = 0;
    if (lua_type(L, index) == LUA_TSTRING) {
        return read_flags_text(L, index, words, path);
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_refuse_value(L, index, path, "a set or a list of words");
    }
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int top = lua_gettop(L);
        bool is_item = lua_type(L, top - 1) == LUA_TNUMBER;
        uint32_t bit = fhi_value_word(L, is_item ? top : top - 1, words, path);
        if (is_item || lua_toboolean(L, top)) {
            bits |= UINT32_C(1) << bit;
        }
        lua_pop(L, 1);
    }
    return bits;
}

static void read_text(lua_State *L, int index, const fhi_member *member, const fhi_path *path,
                      void *at)
{
    if (member->room != 0) {
        size_t size = strlen(fhi_value_name(L, index, path));
        memcpy(at, lua_tostring(L, index), size + 1);
        return;
    }
    size_t size = 0;
    const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &size) : NULL;
    if (text == NULL || strlen(text) != size) {
        fhi_refuse_value(L, index, path, "a string without zeros");
    }
    memcpy(at, &text, sizeof text);
}

void fhi_value_read(lua_State *L, int index, const fhi_member *member, const fhi_path *path,
                    void *at)
{
    uint64_t integer;
    double number;
    switch (member->type) {
    case FHI_VALUE_BYTES:
        integer = fhi_value_size(L, index, path);
        check_range(L, index, member, (double)integer, path);
        *(uint64_t *)at = integer;
        break;
    case FHI_VALUE_INTEGER:
        *(uint64_t *)at = read_integer(L, index, UINT64_MAX, path);
        break;
    case FHI_VALUE_COUNT:
        integer = read_integer(L, index, UINT32_MAX, path);
        check_range(L, index, member, (double)integer, path);
        *(uint32_t *)at = (uint32_t)integer;
        break;
    case FHI_VALUE_PLACE:
        integer = read_integer(L, index, UINT32_MAX, path);
        if (integer == 0) {
            fhi_refuse(L, path, "a place from 1 expected, got 0");
        }
        *(uint32_t *)at = (uint32_t)integer - 1;
        break;
    case FHI_VALUE_FLOAT:
    case FHI_VALUE_NUMBER:
        number = read_number(L, index, path);
        check_range(L, index, member, number, path);
        if (member->type == FHI_VALUE_FLOAT) {
            *(float *)at = (float)number;
        } else {
            *(double *)at = number;
        }
        break;
    case FHI_VALUE_MS:
        number = read_number(L, index, path);
        check_range(L, index, member, number, path);
        *(uint64_t *)at = (uint64_t)(number * 1e6);
        break;
    case FHI_VALUE_BOOLEAN:
        if (lua_type(L, index) != LUA_TBOOLEAN) {
            fhi_refuse_value(L, index, path, "true or false");
        }
        *(bool *)at = lua_toboolean(L, index) != 0;
        break;
    case FHI_VALUE_CHOICE:
        *(int *)at = (int)fhi_value_word(L, index, member->words, path);
        break;
    case FHI_VALUE_FLAGS:
        *(uint32_t *)at = read_flags(L, index, member->words, path);
        break;
    case FHI_VALUE_TEXT:
        read_text(L, index, member, path, at);
        break;
    case FHI_VALUE_INDICES:
        *(uint32_t *)at = read_indices(L, index, path);
        break;
    default:
        break;
    }
}

/* ---- tables of fields ---- */

/* Of all that are no members, blame the first: of strings the least, before them whatever else
 * there is. */
static void refuse_unknown(lua_State *L, int index, const fhi_names *names, const fhi_path *path)
{
    const char *words[FHI_MEMBERS_MAX + 1] = {NULL};
    lua_pushnil(L);
    int worst = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            fhi_refuse(L, path, "fields have names, and a key here is no string");
        }
        const char *key = lua_tostring(L, -1);
        if (fhi_names_find(names, lua_topointer(L, -1)) < 0 &&
            (lua_isnil(L, worst) || strcmp(key, lua_tostring(L, worst)) < 0)) {
            lua_copy(L, -1, worst);
        }
    }
    for (uint32_t i = 0; i < names->shape->count && i < FHI_MEMBERS_MAX; i++) {
        words[i] = names->shape->members[i].name;
    }
    fhi_refuse_word(L, worst, path, "field", words);
}

/* Stack: the values that were found, and on top the key that the next one is looked for by. */
void fhi_value_fields(lua_State *L, int index, const fhi_shape *shape, const fhi_path *path,
                      fhi_fields *out)
{
    out->seen = 0;
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_refuse_value(L, index, path, "a table");
    }
    const fhi_names *names = fhi_names_of(L, shape);
    int value = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int member = fhi_names_find(names, lua_topointer(L, -2));
        if (member < 0) {
            lua_settop(L, value);
            refuse_unknown(L, index, names, path);
            return;
        }
        lua_insert(L, -2);
        out->seen |= UINT32_C(1) << member;
        out->values[member] = ++value;
    }
    uint32_t missing = names->required & ~out->seen;
    if (missing != 0) {
        fhi_refuse(L, path, "field '%s' is missing", shape->members[fhi_lowest_bit(missing)].name);
    }
}
