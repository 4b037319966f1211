-- src/sandbox/contract_tables.c: what the sandbox works by. For tools/gen_policy_contract.
--
-- clang-format is kept off it: it would put every field on a line of its own.

local here = debug.getinfo(1, "S").source:match("^@(.*/)")
local text = dofile(here .. "text.lua")

-- Pieces with blanks between them, as lines: `indent` stands before the first, `rest` before the
-- others.
local function fill(out, indent, rest, ...)
    local pieces = {}
    for _, piece in ipairs { ... } do
        -- Blanks inside of a piece are not for breaking.
        pieces[#pieces + 1] = (piece:gsub(" ", "\1"))
    end
    for _, line in ipairs(text.wrap(table.concat(pieces, " "), indent, rest)) do
        out.add("%s", (line:gsub("\1", " ")))
    end
end

-- A C string, in pieces that fit the width.
local function c_text(words)
    local pieces, line = {}, ""
    for word in words:gsub('[\\"]', "\\%0"):gmatch("%S+%s*") do
        if #line + #word > 80 then
            pieces[#pieces + 1] = line
            line = ""
        end
        line = line .. word
    end
    pieces[#pieces + 1] = line
    for i, piece in ipairs(pieces) do
        pieces[i] = '"' .. piece .. '"'
    end
    return pieces
end

local function add_member(out, contract, shape, member)
    local field = member.c or member.name
    local pieces = {}
    local function piece(format, ...)
        pieces[#pieces + 1] = format:format(...)
    end
    if member.type == "special" then
        piece('SPECIAL("%s"),', member.name)
    elseif member.room then
        piece('ARRAY("%s", %s, %s, %s, %s, %s),', member.name, member.type:upper(), shape.struct,
            field, member.of and contract.shapes[member.of].struct or "char", member.room)
    elseif member.column then
        piece('COLUMN("%s", %s, %s, %s),', member.name, member.type:upper(), shape.struct, field)
    else
        piece('MEMBER("%s", %s, %s, %s),', member.name, member.type:upper(), shape.struct, field)
    end
    local given = member.given or member.text
    piece(given and "GIVEN(%s, %s)," or "ALWAYS,", shape.struct, given)
    if member.class then
        piece(".class_fact = true,")
    end
    if member.required then
        piece(".required = true,")
    end
    if member.type == "special" and member.of then
        piece(".of = &%s_shape,", member.of)
    elseif member.of then
        local of = contract.shapes[member.of]
        piece(".count_offset = offsetof(%s, %s),", shape.struct, member.count)
        piece(".stride = sizeof(%s),", of.struct)
        piece(".of = &%s_shape,", of.name)
    elseif member.type == "account" then
        piece(".of = &account_shape,")
    end
    if member.words then
        piece(".words = %s_words,", member.words)
    end
    if member.min then
        piece(".min = %s, .max = %s,", member.min, member.max or "NO_BOUND")
    else
        piece("ANY,")
    end
    local doc = c_text(member.doc)
    doc[1] = ".doc = " .. doc[1]
    doc[#doc] = doc[#doc] .. "},"
    table.move(doc, 1, #doc, #pieces + 1, pieces)
    pieces[1] = "{" .. pieces[1]
    fill(out, "    ", "     ", table.unpack(pieces))
end

local function add_shape(out, contract, shape)
    local id = shape.decision and shape.name .. "_decision" or shape.name
    out.add("")
    out.add("static const fhi_member %s_members[] = {", id)
    for _, member in ipairs(shape.members) do
        add_member(out, contract, shape, member)
    end
    out.add("};")
    if id == "facts" then
        out.add("const fhi_shape fhi_shape_facts = SHAPE(\"facts\", fh_facts, facts_members);")
    else
        fill(out, "", "    ", ("static const fhi_shape %s_shape ="):format(id),
            ('SHAPE("%s", %s, %s_members);'):format(shape.shown, shape.struct, id))
    end
end

local function add_words(out, list)
    out.add("")
    if list.macro then
        out.add("#define WORD(name, text, width, height, bytes, traits) text,")
        out.add('static const char *const %s_words[] = {"none", %s(WORD) NULL};', list.name,
            list.macro)
        out.add("#undef WORD")
        return
    end
    local items = {}
    for i, word in ipairs(list.list) do
        local constant = list.prefix and list.prefix .. word:upper() or i - 1
        items[i] = ('[%s] = "%s",'):format(list.bits and "BIT(" .. i - 1 .. ", " .. constant .. ")"
            or constant, word)
    end
    items[#items + 1] = "NULL"
    if list.name == "column" then
        out.add("const char *const fhi_evict_columns[] = {")
    else
        out.add("static const char *const %s_words[] = {", list.name)
    end
    fill(out, "    ", "    ", table.unpack(items))
    out.add("};")
end

local function add_list(out, name, list)
    out.add("")
    out.add("const char *const %s[] = {", name)
    local quoted = {}
    for i, item in ipairs(list) do
        quoted[i] = ('"%s",'):format(item)
    end
    quoted[#quoted + 1] = "NULL"
    fill(out, "    ", "    ", table.unpack(quoted))
    out.add("};")
end

local function names_of(list)
    local result = {}
    for i, item in ipairs(list) do
        result[i] = item.name
    end
    return result
end

-- Everything that a script can name: "pairs", "string.sub".
local function environment_names(contract)
    local names = {}
    for _, library in ipairs(contract.environment.libraries) do
        local prefix = library.name and library.name .. "." or ""
        for word in (library.words or ""):gmatch("%S+") do
            names[#names + 1] = prefix .. word
        end
        for _, list in ipairs { library.functions, library.values or {} } do
            for _, item in ipairs(list) do
                names[#names + 1] = prefix .. item.name
            end
        end
    end
    table.sort(names)
    return names
end

local HEAD = [[
#include "sandbox/contract.h"

/* clang-format off */

/* The C type behind a type of value: where a member's size is another, an array has a negative
 * one, and this does not compile. */
#define C_BYTES    uint64_t
#define C_INTEGER  uint64_t
#define C_COUNT    uint32_t
#define C_FLOAT    float
#define C_NUMBER   double
#define C_BOOLEAN  bool
#define C_CHOICE   int
#define C_FLAGS    uint32_t
#define C_TAG      fh_tag
#define C_ACCOUNT  fh_account
#define C_MS       uint64_t
#define C_INDICES  uint32_t
#define C_PLACE    uint32_t
#define C_TEXT     const char *
#define SAME(x, y) (0 * sizeof(char[sizeof(x) == sizeof(y) ? 1 : -1]))

#define MEMBER(text, kind, struct, field)                                                          \
    .name = (text), .type = FHI_VALUE_##kind,                                                      \
    .offset = offsetof(struct, field) + SAME(((struct *)0)->field, C_##kind)
#define ARRAY(text, kind, struct, field, element, most)                                            \
    .name = (text), .type = FHI_VALUE_##kind, .room = (most),                                      \
    .offset = offsetof(struct, field) +                                                            \
              0 * sizeof(char[sizeof(((struct *)0)->field) == sizeof(element) * (most) ? 1 : -1])
#define COLUMN(text, kind, struct, field)                                                          \
    .name = (text), .type = FHI_VALUE_##kind,                                                      \
    .offset = offsetof(struct, field) + SAME(*((struct *)0)->field, C_##kind),                     \
    .stride = sizeof *((struct *)0)->field
#define SPECIAL(text)        .name = (text), .type = FHI_VALUE_SPECIAL
#define GIVEN(struct, field) .given_offset = offsetof(struct, field)
#define ALWAYS               .given_offset = SIZE_MAX
#define ANY                  .min = 1, .max = 0
#define NO_BOUND             18446744073709551616.0
#define SHAPE(text, struct, list)                                                                  \
    {                                                                                              \
        .name = (text), .size = sizeof(struct), .count = sizeof(list) / sizeof(list)[0],           \
        .members = (list)                                                                          \
    }
/* A bit's number, if that is the flag's. */
#define BIT(bit, flag) ((bit) + 0 * sizeof(char[(flag) == 1 << (bit) ? 1 : -1]))
]]

local function make_tables(contract)
    local out = text.writer()
    for _, line in ipairs(text.wrap(contract.note .. " */", "/* ", " * ")) do
        out.add("%s", line)
    end
    out.add("")
    out.add("%s", HEAD:gsub("\n$", ""))
    for _, list in ipairs(contract.words) do
        add_words(out, list)
    end
    for _, shapes in ipairs { contract.facts, contract.decisions } do
        for _, shape in ipairs(shapes) do
            add_shape(out, contract, shape)
        end
    end
    out.add("")
    out.add("const fhi_hook_contract fhi_hook_contracts[FH_HOOK_COUNT] = {")
    for _, hook in ipairs(contract.hooks) do
        local constant = "FH_HOOK_" .. hook.name:upper()
        out.add('    [%s] = {.name = "%s", .hook = %s,', constant, hook.name, constant)
        local pieces = {}
        if hook.input then
            pieces[#pieces + 1] = (".input = &%s_shape,"):format(hook.input)
        end
        if hook.decision then
            pieces[#pieces + 1] = (".decision = &%s_decision_shape,"):format(hook.decision)
        end
        pieces[#pieces + 1] = (".writes_state = %s,"):format(hook.writes_state or false)
        pieces[#pieces + 1] = (".called = %s,"):format(hook.called)
        local doc = c_text(hook.asked)
        doc[1] = ".doc = " .. doc[1]
        doc[#doc] = doc[#doc] .. "},"
        table.move(doc, 1, #doc, #pieces + 1, pieces)
        fill(out, "        ", "        ", table.unpack(pieces))
    end
    out.add("};")
    add_list(out, "fhi_policy_fields", names_of(contract.policy_fields))
    add_list(out, "fhi_option_fields", names_of(contract.option_fields))
    add_list(out, "fhi_environment_names", environment_names(contract))
    out.add("")
    out.add("/* clang-format on */")
    return out.text()
end

return make_tables
