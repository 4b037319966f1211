-- lua/freehold/meta/policy.lua: what an editor knows about policies. For tools/gen_policy_contract.

local here = debug.getinfo(1, "S").source:match("^@(.*/)")
local text = dofile(here .. "text.lua")
local names = dofile(here .. "names.lua")

-- A type must stand on one line; what follows it may go on in others.
local function meta_fields(out, fields)
    for _, field in ipairs(fields) do
        local head = ("---@field %s%s %s"):format(field.name, field.optional and "?" or "",
            field.type)
        assert(#head <= text.WIDTH, head)
        out.add_all(text.wrap(head .. " " .. field.doc, "", "--- "))
    end
end

local function member_fields(contract, shape, members)
    local fields = {}
    for _, member in ipairs(members) do
        fields[#fields + 1] = {
            name = member.name,
            type = names.type_of(contract, shape, member),
            optional = shape.decision and not member.required or member.optional,
            doc = member.doc
                .. (member.default and ("; default: %s"):format(member.default) or ""),
        }
    end
    return fields
end

local function meta_function(out, prefix, fn)
    out.add("")
    out.add_all(text.wrap(fn.doc, "--- ", "--- "))
    local list = {}
    for i, param in ipairs(fn.params) do
        list[i] = param.name
        out.add("---@param %s%s %s", param.name, param.optional and "?" or "", param.type)
    end
    for _, type in ipairs(fn.returns) do
        out.add("---@return %s", type)
    end
    out.add("function %s%s(%s) end", prefix, fn.name, table.concat(list, ", "))
end

local function hook_doc(hook)
    return ("Asked %s. Native rule: %s."):format(hook.asked, hook.native)
end

-- A hook is a function in the class's table, for there each of its types has a line of its own.
local function meta_hook(out, hook)
    local params = { { name = "self", type = "freehold.policy.Self" } }
    local function add_param(name, type)
        params[#params + 1] = { name = name, type = type }
    end
    if hook.name == "migrate" then
        add_param("old_state", "table")
        add_param("old_version", "integer")
    else
        if hook.input then
            add_param(hook.input_shape.shown, names.class_of(hook.input_shape))
        end
        add_param("facts", "freehold.policy.Facts")
    end
    local results = table.move(hook.also, 1, 10, 1, {})
    if hook.list then
        results = { "freehold.policy.Relief" }
    elseif hook.decision then
        table.insert(results, 1, names.class_of(hook.decision_shape))
    end
    meta_function(out, "Policy.", {
        name = hook.name,
        doc = hook_doc(hook),
        params = params,
        returns = { table.concat(results, "|") .. "? decision" },
    })
end

local function make_meta(contract)
    local out = text.writer()
    out.add("---@meta _")
    out.add("")
    out.add("-- " .. contract.note)
    out.add("-- luacheck: ignore 111 112 113 121 122 131 142 143 212 241 (there is no code)")
    for _, list in ipairs(contract.words) do
        if list.list then
            out.add("")
            out.add("---@alias %s", names.alias_of(list.name))
            for _, word in ipairs(list.list) do
                out.add('---| "%s"', word)
            end
        end
    end
    out.add("")
    out.add("--- A location as `place` may name it.")
    out.add("---@alias freehold.policy.Place %s|\"host\"", names.alias_of("location"))
    out.add("")
    out.add("--- What `relieve` returns: one action, or several in order.")
    out.add("---@alias freehold.policy.Relief")
    out.add("---| freehold.policy.Action")
    out.add("---| freehold.policy.ActionWord")
    out.add("---| (freehold.policy.Action|freehold.policy.ActionWord)[]")
    out.add("")
    out.add("--- `evict` as a function.")
    out.add("---@alias freehold.policy.Key %s",
        "fun(self: table, candidate: freehold.policy.Candidate): number?")
    for _, shapes in ipairs { contract.facts, contract.decisions } do
        for _, shape in ipairs(shapes) do
            out.add("")
            out.add_all(text.wrap(shape.doc, "--- ", "--- "))
            out.add("---@class %s%s", names.class_of(shape),
                shape.base and ": " .. names.class_of(contract.shapes[shape.base]) or "")
            meta_fields(out, member_fields(contract, shape, shape.own))
        end
    end
    out.add("")
    out.add("--- What hooks get as `self`. Read-only.")
    out.add("---@class freehold.policy.Self")
    meta_fields(out, contract.self_fields)
    out.add("")
    out.add("--- How an option is declared.")
    out.add("---@class freehold.policy.Option")
    meta_fields(out, contract.option_fields)
    out.add("")
    out.add("--- What a policy's file returns. All of it is optional.")
    out.add("---@class freehold.Policy")
    for _, field in ipairs(contract.policy_fields) do
        meta_fields(out, {
            { name = field.name, type = field.type, doc = field.doc, optional = true },
        })
    end
    for _, hook in ipairs(contract.hooks) do
        if hook.field then
            meta_fields(out, {
                { name = hook.name, type = hook.field, doc = hook_doc(hook), optional = true },
            })
        end
    end
    out.add("local Policy = {}")
    for _, hook in ipairs(contract.hooks) do
        if not hook.field then
            meta_hook(out, hook)
        end
    end
    for _, library in ipairs(contract.environment.libraries) do
        local prefix = library.name and library.name .. "." or ""
        if library.name == "freehold.policy" then
            out.add("")
            out.add("freehold = { policy = {} }")
        end
        for _, value in ipairs(library.values or {}) do
            if not value.std then
                out.add("")
                out.add("--- %s", value.doc)
                out.add("---@type %s", value.type)
                out.add("%s%s = nil", prefix, value.name)
            end
        end
        for _, fn in ipairs(library.functions) do
            if not fn.std then
                meta_function(out, prefix, fn)
            end
        end
    end
    return out.text()
end

return make_meta
