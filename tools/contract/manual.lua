-- docs/policy-contract.md: the reference. For tools/gen_policy_contract.

local here = debug.getinfo(1, "S").source:match("^@(.*/)")
local text = dofile(here .. "text.lua")
local names = dofile(here .. "names.lua")

local function escaped(words)
    return (words:gsub("|", "\\|"))
end

-- Types as the manual shows them: without the editor's prefixes, and words by themselves.
local function shown_type(contract, shape, member)
    local words = member.words and contract.words_by_name[member.words]
    if words and words.list then
        local list = '"' .. table.concat(words.list, '", "') .. '"'
        return member.type == "flags" and "set of " .. list or list
    end
    return "`" .. names.type_of(contract, shape, member):gsub("freehold%.policy%.", "")
        :gsub("freehold%.Bytes", "bytes") .. "`"
end

local function manual_members(out, contract, shape, members)
    local head = shape.decision and "| field | type | default | |" or "| fact | type | |"
    out.add(head)
    out.add(shape.decision and "|---|---|---|---|" or "|---|---|---|")
    for _, member in ipairs(members) do
        local doc = member.doc
        if member.min then
            doc = doc .. ("; at least %s%s"):format(member.min,
                member.max and (", at most %s"):format(member.max) or "")
        end
        if shape.decision then
            out.add("| `%s` | %s | %s | %s |", member.name,
                escaped(shown_type(contract, shape, member)),
                member.required and "required" or escaped(member.default), escaped(doc))
        else
            out.add("| `%s`%s | %s | %s |", member.name, member.class and " (class)" or "",
                escaped(shown_type(contract, shape, member)), escaped(doc))
        end
    end
    out.add("")
end

local function manual_hook(out, contract, hook)
    local params = { "self" }
    if hook.name == "migrate" then
        params[2], params[3] = "old_state", "old_version"
    else
        params[2] = hook.input and hook.input_shape.shown
        params[#params + 1] = "facts"
    end
    out.add("### `%s(%s)`", hook.name, table.concat(params, ", "))
    out.add("")
    out.paragraphs(("Asked %s. Native rule: %s."):format(hook.asked, hook.native), "")
    out.add("")
    out.paragraphs(hook.doc, "")
    out.add("")
    if hook.input then
        local shape = hook.input_shape
        if shape.base then
            out.add("`%s` has what it has in `place`, and:", shape.shown)
        else
            out.add("`%s`: %s", shape.shown, shape.doc)
        end
        out.add("")
        manual_members(out, contract, shape, shape.own)
    end
    if hook.decision then
        out.add("Decision: %s", hook.decision_shape.doc)
        out.add("")
        manual_members(out, contract, hook.decision_shape, hook.decision_shape.members)
    end
    out.add("```lua")
    out.add("%s", hook.example)
    if hook.example_function then
        out.add("```")
        out.add("")
        out.add("```lua")
        out.add("%s", hook.example_function)
    end
    out.add("```")
    out.add("")
end

local function manual_library(out, library)
    out.add("### %s", library.name and ("%s: `%s`"):format(library.title, library.name)
        or library.title)
    out.add("")
    if library.doc then
        out.paragraphs(library.doc, "")
        out.add("")
    end
    if library.words then
        local prefix = library.name .. "."
        out.add_all(text.wrap(("As in Lua: `%s%s`."):format(prefix,
            (library.words:gsub(" ", "`, `" .. prefix))), "", ""))
        out.add("")
    end
    if library.differs then
        out.paragraphs(library.differs, "")
        out.add("")
    end
    local rows = {}
    for _, fn in ipairs(library.functions) do
        local params = {}
        for i, param in ipairs(fn.params) do
            params[i] = param.optional and ("[%s]"):format(param.name) or param.name
        end
        rows[#rows + 1] = ("| `%s%s(%s)` | %s |"):format(library.name and library.name .. "." or "",
            fn.name, table.concat(params, ", "), escaped(fn.doc))
    end
    for _, value in ipairs(library.values or {}) do
        rows[#rows + 1] = ("| `%s%s` | %s |"):format(library.name and library.name .. "." or "",
            value.name, escaped(value.doc))
    end
    if #rows > 0 then
        out.add("| | |")
        out.add("|---|---|")
        out.add_all(rows)
        out.add("")
    end
end

local function manual_fields(out, fields)
    out.add("| field | type | |")
    out.add("|---|---|---|")
    for _, field in ipairs(fields) do
        out.add("| `%s` | `%s` | %s |", field.name,
            escaped((field.type:gsub("freehold%.policy%.", ""))), escaped(field.doc))
    end
    out.add("")
end

local function make_manual(contract)
    local out = text.writer()
    out.add("# The policy contract")
    out.add("")
    out.add("<!-- %s -->", contract.note)
    out.add("")
    out.paragraphs(contract.essay, "")
    out.add("")
    out.add("## A policy")
    out.add("")
    manual_fields(out, contract.policy_fields)
    out.add("and any of the hooks below. An option is declared by a table:")
    out.add("")
    manual_fields(out, contract.option_fields)
    out.add("Every hook gets `self`, which is read-only:")
    out.add("")
    manual_fields(out, contract.self_fields)
    out.add("## Facts")
    out.add("")
    out.paragraphs(contract.facts_essay, "")
    out.add("")
    for _, name in ipairs { "facts", "heap", "account" } do
        local shape = contract.shapes[name]
        out.add("`%s`: %s", name == "facts" and "facts" or name == "heap" and "facts.heaps[i]"
            or "account", shape.doc)
        out.add("")
        manual_members(out, contract, shape, shape.members)
    end
    out.add("## Hooks")
    out.add("")
    out.paragraphs(contract.decisions_essay, "")
    out.add("")
    for _, hook in ipairs(contract.hooks) do
        manual_hook(out, contract, hook)
    end
    out.add("## What a script may use")
    out.add("")
    out.paragraphs(contract.environment.essay, "")
    out.add("")
    for _, library in ipairs(contract.environment.libraries) do
        manual_library(out, library)
    end
    return (out.text():gsub("\n+$", "\n"))
end

return make_manual
