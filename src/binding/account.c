/* An account is named by a word: "total", "heap 0", a kind, or a tag that is there. A word that is
 * none of these is refused with the nearest one, and makes no tag: a limit on a misspelt tag would
 * limit nothing. The table { scope = "tag", index = "terrain" } makes one, and also tells a tag
 * from a kind of the same name. */

#include "binding/account.h"

#include "binding/check.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/result.h"

#include <stdio.h>
#include <string.h>

enum {
    TAG_SIZE = 64,
    WORD_COUNT = 48 /* words that a refusal can offer */
};

/* "heap 12"; -1 for another word. */
static int heap_of_word(const char *word)
{
    static const char prefix[] = "heap ";
    if (strncmp(word, prefix, sizeof prefix - 1) != 0) {
        return -1;
    }
    const char *digits = word + sizeof prefix - 1;
    size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > 2 || digits[count] != '\0') {
        return -1;
    }
    return count == 1 ? digits[0] - '0' : (digits[0] - '0') * 10 + digits[1] - '0';
}

/* The position of `word` in `names`, or -1. */
static int find(const char *word, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(word, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* The tag of that name, if there is one; 0 else. In a call. */
static fh_tag find_tag(const fh_device *device, const char *word)
{
    for (fh_tag tag = 1; fh_device_tag_name(device, tag) != NULL; tag++) {
        if (strcmp(fh_device_tag_name(device, tag), word) == 0) {
            return tag;
        }
    }
    return 0;
}

static int push_unknown(lua_State *L, fhi_lua_device *self, const char *word)
{
    char tags[WORD_COUNT][TAG_SIZE];
    const char *names[FH_KIND_COUNT + WORD_COUNT + 2];
    int count = 0;
    names[count++] = "total";
    for (int i = 0; i < FH_KIND_COUNT; i++) {
        names[count++] = fhi_kind_names[i];
    }
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device != NULL) {
        for (fh_tag tag = 1; tag <= WORD_COUNT && fh_device_tag_name(device, tag) != NULL; tag++) {
            snprintf(tags[tag - 1], TAG_SIZE, "%s", fh_device_tag_name(device, tag));
            names[count++] = tags[tag - 1];
        }
        fhi_call_end(&call);
    }
    names[count] = NULL;
    fhi_push_nearest(L, word, names);
    return fhi_push_failure_of(L, FH_ERR_INVALID, "account: there is no '%s'%s", word,
                               lua_tostring(L, -1));
}

/* { scope = "heap", index = 0 } */
static int read_table(lua_State *L, int index, int arg, fhi_lua_device *self, fh_account *out)
{
    enum {
        SLOT_INDEX
    };
    static const fhi_field fields[] = {
        {"scope", FHI_FIELD_CHOICE, offsetof(fh_account, scope), 0, fhi_scope_names},
        {"index", FHI_FIELD_VALUE, 0, SLOT_INDEX, NULL},
        FHI_FIELDS_END,
    };
    lua_pushnil(L);
    int slot = lua_gettop(L);
    int failed = fhi_read_fields(L, index, arg, fields, slot, out);
    if (failed != 0 || lua_isnil(L, slot)) {
        return failed;
    }
    if (out->scope == FH_ACCOUNT_KIND && lua_type(L, slot) == LUA_TSTRING) {
        out->index = (uint32_t)fhi_check_choice(L, slot, arg, "field 'index'", fhi_kind_names);
        return 0;
    }
    if (out->scope == FH_ACCOUNT_TAG) {
        return fhi_read_tag(L, slot, arg, "field 'index'", self, 1, &out->index);
    }
    return fhi_read_count(L, slot, arg, "field 'index'", &out->index);
}

/* The account at `index`, for the device at index 1. Returns 0, or 3 when it failed. */
static int read_account(lua_State *L, int index, fhi_lua_device *self, fh_account *out)
{
    *out = (fh_account){FH_ACCOUNT_TOTAL, 0};
    if (lua_type(L, index) == LUA_TTABLE) {
        return read_table(L, index, index, self, out);
    }
    if (lua_type(L, index) != LUA_TSTRING) {
        fhi_type_error(L, index, index, "account", "name or table");
    }
    const char *word = fhi_check_text(L, index, index, "account");
    if (strcmp(word, "total") == 0) {
        return 0;
    }
    int found = find(word, fhi_kind_names);
    if (found >= 0) {
        *out = (fh_account){FH_ACCOUNT_KIND, (uint32_t)found};
        return 0;
    }
    found = heap_of_word(word);
    if (found >= 0) {
        *out = (fh_account){FH_ACCOUNT_HEAP, (uint32_t)found};
        return 0;
    }
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_tag tag = find_tag(device, word);
    fhi_call_end(&call);
    if (tag == 0) {
        return push_unknown(L, self, word);
    }
    *out = (fh_account){FH_ACCOUNT_TAG, tag};
    return 0;
}

int fhi_device_account(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fh_account account;
    lua_settop(L, 2);
    int failed = read_account(L, 2, self, &account);
    if (failed != 0) {
        return failed;
    }
    lua_createtable(L, 0, 7);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_account_info info;
    fh_result result = fh_device_account(device, account, &info);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    fhi_set_text(L, "name", info.name);
    fhi_set_integer(L, "used", info.used);
    fhi_set_integer(L, "retiring", info.retiring);
    if (info.limit != FH_NO_LIMIT) {
        fhi_set_integer(L, "limit", info.limit);
    }
    fhi_set_integer(L, "peak", info.peak);
    fhi_set_integer(L, "count", info.count);
    fhi_set_integer(L, "refused", info.refused);
    return 1;
}

void fhi_push_account_name(lua_State *L, fh_device *device, fh_account account)
{
    fh_account_info info;
    if (fh_device_account(device, account, &info) == FH_OK) {
        lua_pushstring(L, info.name);
    } else {
        lua_pushnil(L);
    }
}

/* The limit at `index`: bytes, or nil or false for none. */
static int read_limit(lua_State *L, int index, int arg, const char *name, uint64_t *out)
{
    *out = FH_NO_LIMIT;
    if (lua_isnil(L, index) || (lua_isboolean(L, index) && !lua_toboolean(L, index))) {
        return 0;
    }
    return fhi_read_bytes(L, index, arg, name, out);
}

/* Returns 0, or 3 when it failed. */
static int set_limit(lua_State *L, fhi_lua_device *self, fh_account account, uint64_t limit)
{
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fh_device_set_limit(device, account, limit);
    fhi_call_end(&call);
    return result == FH_OK ? 0 : fhi_push_failure(L, result);
}

int fhi_device_set_limit_method(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fh_account account;
    uint64_t limit;
    if (lua_isnone(L, 3)) {
        luaL_argerror(L, 3, "limit: bytes expected, or nil to remove it");
    }
    lua_settop(L, 3);
    int failed = read_account(L, 2, self, &account);
    if (failed == 0) {
        failed = read_limit(L, 3, 3, "limit", &limit);
    }
    if (failed == 0) {
        failed = set_limit(L, self, account, limit);
    }
    return failed != 0 ? failed : fhi_push_done(L, FH_OK);
}

int fhi_device_reset_peak_method(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fh_account account;
    lua_settop(L, 2);
    int failed = read_account(L, 2, self, &account);
    if (failed != 0) {
        return failed;
    }
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fh_device_reset_peak(device, account);
    fhi_call_end(&call);
    return fhi_push_done(L, result);
}

/* ---- several limits at once ---- */

/* Sets the limits in the table at `index`, whose keys name accounts of `scope`. When `apply` is
 * false it only reads them: what is spelt wrong is found before the first limit changes. */
static int limits_of(lua_State *L, fhi_lua_device *self, int index, fh_account_scope scope,
                     const char *name, bool apply)
{
    if (lua_isnil(L, index)) {
        return 0;
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, 2, name, "table");
    }
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int key = lua_gettop(L) - 1, value = key + 1;
        fh_account account = {scope, 0};
        uint64_t limit;
        int failed = 0;
        if (scope == FH_ACCOUNT_KIND) {
            account.index = (uint32_t)fhi_check_choice(L, key, 2, name, fhi_kind_names);
        } else if (scope == FH_ACCOUNT_HEAP) {
            failed = fhi_read_count(L, key, 2, name, &account.index);
        } else if (apply) {
            failed = fhi_read_tag(L, key, 2, name, self, 1, &account.index);
        } else {
            fhi_check_text(L, key, 2, name);
        }
        if (failed == 0) {
            failed = read_limit(L, value, 2, name, &limit);
        }
        if (failed == 0 && apply) {
            failed = set_limit(L, self, account, limit);
        }
        if (failed != 0) {
            return failed;
        }
        lua_settop(L, key);
    }
    return 0;
}

int fhi_device_limits(lua_State *L)
{
    enum {
        SLOT_TOTAL,
        SLOT_HEAPS,
        SLOT_KINDS,
        SLOT_TAGS,
        SLOT_COUNT
    };
    static const fhi_field fields[] = {
        {"total", FHI_FIELD_VALUE, 0, SLOT_TOTAL, NULL},
        {"heaps", FHI_FIELD_VALUE, 0, SLOT_HEAPS, NULL},
        {"kinds", FHI_FIELD_VALUE, 0, SLOT_KINDS, NULL},
        {"tags", FHI_FIELD_VALUE, 0, SLOT_TAGS, NULL},
        FHI_FIELDS_END,
    };
    fhi_lua_device *self = fhi_check_device(L, 1);
    char nothing = 0;
    fhi_check_table(L, 2, "limits");
    lua_settop(L, 2 + SLOT_COUNT);
    int failed = fhi_read_fields(L, 2, 2, fields, 3, &nothing);
    for (int apply = 0; apply <= 1 && failed == 0; apply++) {
        uint64_t total;
        if (!lua_isnil(L, 3 + SLOT_TOTAL)) {
            failed = read_limit(L, 3 + SLOT_TOTAL, 2, "field 'total'", &total);
            if (failed == 0 && apply) {
                failed = set_limit(L, self, (fh_account){FH_ACCOUNT_TOTAL, 0}, total);
            }
        }
        if (failed == 0) {
            failed = limits_of(L, self, 3 + SLOT_HEAPS, FH_ACCOUNT_HEAP, "field 'heaps'", apply);
        }
        if (failed == 0) {
            failed = limits_of(L, self, 3 + SLOT_KINDS, FH_ACCOUNT_KIND, "field 'kinds'", apply);
        }
        if (failed == 0) {
            failed = limits_of(L, self, 3 + SLOT_TAGS, FH_ACCOUNT_TAG, "field 'tags'", apply);
        }
    }
    return failed != 0 ? failed : fhi_push_done(L, FH_OK);
}
