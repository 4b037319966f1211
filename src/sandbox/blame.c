/* The text is read token by token, as far as that is needed to tell the fields of table
 * constructors from everything else: strings and comments are skipped, braces and blocks counted.
 * Asking the compiler was rejected: a function knows the lines of its instructions, but not which
 * of them makes which field. */

#include "sandbox/blame.h"

#include "sandbox/meter.h"

#include <ctype.h>
#include <string.h>

/* ---- tokens ---- */

typedef enum token {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_ASSIGN,
    TOKEN_OTHER
} token;

typedef struct scan {
    const char *at, *end;
    uint32_t line; /* of `at` */
    uint32_t token_line;
    const char *token; /* a string's without its quotes */
    size_t length;
} scan;

static char peek(const scan *s, size_t ahead)
{
    if ((size_t)(s->end - s->at) > ahead) {
        return s->at[ahead];
    }
    return '\0';
}

static void step(scan *s)
{
    if (*s->at == '\n' || (*s->at == '\r' && peek(s, 1) != '\n')) {
        s->line++;
    }
    s->at++;
}

/* At a '[': how many '=' a long bracket has, or -1 for none. */
static int bracket_level(const scan *s)
{
    size_t level = 0;
    while (peek(s, level + 1) == '=') {
        level++;
    }
    return peek(s, level + 1) == '[' ? (int)level : -1;
}

static void skip_long(scan *s, int level)
{
    s->at += level + 2;
    s->token = s->at;
    while (s->at < s->end) {
        if (*s->at == ']') {
            int count = 0;
            while (peek(s, (size_t)count + 1) == '=') {
                count++;
            }
            if (count == level && peek(s, (size_t)count + 1) == ']') {
                s->length = (size_t)(s->at - s->token);
                s->at += count + 2;
                return;
            }
        }
        step(s);
    }
    s->length = (size_t)(s->at - s->token);
}

static void skip_quoted(scan *s)
{
    char quote = *s->at++;
    s->token = s->at;
    while (s->at < s->end && *s->at != quote && *s->at != '\n') {
        if (*s->at == '\\' && s->end - s->at > 1) {
            step(s);
        }
        step(s);
    }
    s->length = (size_t)(s->at - s->token);
    if (peek(s, 0) == quote) {
        s->at++;
    }
}

static void skip_blanks(scan *s)
{
    while (s->at < s->end) {
        if (isspace((unsigned char)*s->at)) {
            step(s);
        } else if (*s->at == '-' && peek(s, 1) == '-') {
            s->at += 2;
            int level = peek(s, 0) == '[' ? bracket_level(s) : -1;
            if (level >= 0) {
                skip_long(s, level);
                continue;
            }
            while (s->at < s->end && *s->at != '\n' && *s->at != '\r') {
                s->at++;
            }
        } else {
            return;
        }
    }
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static token next(scan *s)
{
    skip_blanks(s);
    s->token = s->at;
    s->token_line = s->line;
    s->length = 1;
    char c = peek(s, 0);
    if (s->at == s->end) {
        return TOKEN_END;
    }
    if (is_word(c)) {
        while (is_word(peek(s, 0))) {
            s->at++;
        }
        s->length = (size_t)(s->at - s->token);
        return isdigit((unsigned char)c) ? TOKEN_OTHER : TOKEN_NAME;
    }
    if (c == '"' || c == '\'') {
        skip_quoted(s);
        return TOKEN_STRING;
    }
    if (c == '[' && bracket_level(s) >= 0) {
        skip_long(s, bracket_level(s));
        return TOKEN_STRING;
    }
    s->at++;
    if (strchr("=~<>", c) != NULL && peek(s, 0) == '=') {
        s->at++;
        return TOKEN_OTHER;
    }
    return c == '=' ? TOKEN_ASSIGN : TOKEN_OTHER;
}

static bool is(const scan *s, const char *word)
{
    return s->length == strlen(word) && memcmp(s->token, word, s->length) == 0;
}

/* ---- fields ---- */

/* How deep a place is in what it started from. */
typedef struct nesting {
    int braces, blocks;
} nesting;

static void count(nesting *n, const scan *s, token t)
{
    static const char *const open[] = {"function", "if", "do", "repeat"};
    if (t == TOKEN_OTHER) {
        n->braces += *s->token == '{';
        n->braces -= *s->token == '}';
    } else if (t == TOKEN_NAME) {
        for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
            n->blocks += is(s, open[i]);
        }
        n->blocks -= is(s, "end") || is(s, "until");
    }
}

typedef struct word {
    const char *text;
    size_t length;
} word;

static bool names(const scan *s, word w)
{
    return s->length == w.length && memcmp(s->token, w.text, w.length) == 0;
}

/* Whether "name =" or "["name"] =" comes next; *s is then after it, but for its token. */
static bool field_follows(scan *s, word name)
{
    scan ahead = *s;
    token t = next(&ahead);
    bool found = t == TOKEN_NAME && names(&ahead, name);
    scan at = ahead;
    if (t == TOKEN_OTHER && is(&ahead, "[")) {
        found = next(&ahead) == TOKEN_STRING && names(&ahead, name);
        at = ahead;
        found = next(&ahead) == TOKEN_OTHER && is(&ahead, "]") && found;
    }
    if (!found || next(&ahead) != TOKEN_ASSIGN) {
        return false;
    }
    at.at = ahead.at;
    at.line = ahead.line;
    *s = at;
    return true;
}

/* The field of that name in the constructor whose brace was just read, up to its end. */
static bool find_in_constructor(scan *s, word name)
{
    nesting n = {0, 0};
    scan at = *s;
    bool field_starts = true;
    for (;;) {
        if (field_starts && n.braces == 0 && n.blocks == 0 && field_follows(&at, name)) {
            *s = at;
            return true;
        }
        token t = next(&at);
        count(&n, &at, t);
        if (t == TOKEN_END || n.braces < 0) {
            return false;
        }
        field_starts = t == TOKEN_OTHER && strchr("{,;", *at.token) != NULL;
    }
}

/* The same anywhere, also "policy.name =". */
static bool find_anywhere(scan *s, word name)
{
    scan at = *s;
    token t = TOKEN_OTHER;
    bool field_starts = false;
    while (t != TOKEN_END) {
        if (field_starts && field_follows(&at, name)) {
            *s = at;
            return true;
        }
        t = next(&at);
        field_starts = t == TOKEN_OTHER && strchr("{,;.[", *at.token) != NULL;
    }
    return false;
}

/* Behind the brace of the table that the script returns. */
static bool find_returned_table(scan *s)
{
    nesting n = {0, 0};
    scan at = *s;
    bool found = false;
    for (token t = next(&at); t != TOKEN_END; t = next(&at)) {
        count(&n, &at, t);
        if (t == TOKEN_NAME && n.braces == 0 && n.blocks == 0 && is(&at, "return")) {
            *s = at;
            found = true;
        }
    }
    while (found) {
        token t = next(s);
        if (t == TOKEN_OTHER && *s->token == '{') {
            return true;
        }
        found = t != TOKEN_END;
    }
    return false;
}

/* The next name in a message, and what follows it: "limit: ", or at the end of a path "unknown
 * field 'limit'". */
static bool next_in_path(const char **at, word *out_name)
{
    static const char unknown[] = "unknown field '";
    const char *text = *at;
    size_t length = 0;
    while (is_word(text[length])) {
        length++;
    }
    if (length > 0 && text[length] == ':') {
        *out_name = (word){text, length};
        *at = text + length + 1 + (text[length + 1] == ' ');
        return true;
    }
    if (strncmp(text, unknown, sizeof unknown - 1) == 0) {
        text += sizeof unknown - 1;
        *out_name = (word){text, strcspn(text, "'")};
        *at = "";
        return true;
    }
    return false;
}

uint32_t fhi_blame_line(const char *text, size_t size, const char *message)
{
    scan s = {.at = text, .end = text + size, .line = 1};
    scan whole = s;
    uint32_t line = 1;
    bool inside = find_returned_table(&s);
    static const char root[] = FHI_BLAME_ROOT ": ";
    const char *at = message + (strncmp(message, root, sizeof root - 1) == 0 ? sizeof root - 1 : 0);
    word name;
    for (bool first = true; next_in_path(&at, &name); first = false) {
        if (!(inside && find_in_constructor(&s, name))) {
            s = whole;
            if (!first || !find_anywhere(&s, name)) {
                break;
            }
        }
        line = s.token_line;
        inside = next(&s) == TOKEN_OTHER && *s.token == '{';
    }
    return line;
}

/* ---- raising ---- */

static bool is_known(const char *key, const char *const *known)
{
    while (*known != NULL && strcmp(*known, key) != 0) {
        known++;
    }
    return *known != NULL;
}

void fhi_blame_unknown(lua_State *L, int index, const fhi_path *path, const char *const *known)
{
    int table = lua_absindex(L, index);
    luaL_checkstack(L, 8, NULL);
    const char *unknown = NULL;
    lua_pushnil(L); /* the first unknown key */
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        fhi_charge(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            fhi_refuse(L, path, "fields with names expected, got the key %s", fhi_describe(L, -1));
        }
        const char *key = lua_tostring(L, -1);
        if (!is_known(key, known) && (unknown == NULL || strcmp(key, unknown) < 0)) {
            unknown = key;
            lua_copy(L, -1, -2);
        }
    }
    if (unknown != NULL) {
        fhi_refuse_word(L, lua_gettop(L), path, "field", known);
    }
    lua_pop(L, 1);
}
