-- What the editor's types call things; for tools/gen_policy_contract.

local names = {}

local function pascal(name)
    return (name:gsub("^%l", string.upper):gsub("_(%l)", string.upper))
end

local CLASS_NAMES = {
    relieve_request = "RelieveRequest", stats = "Stats", event = "Event",
    ["decision frame"] = "FrameDecision", ["decision pressure"] = "PressureDecision",
    ["decision retain"] = "RetainDecision", ["decision recycle"] = "RecycleDecision",
    ["decision alias"] = "AliasDecision", ["decision defrag"] = "DefragDecision",
}

function names.class_of(shape)
    local key = shape.decision and "decision " .. shape.name or shape.name
    return "freehold.policy." .. (CLASS_NAMES[key] or pascal(shape.name))
end

function names.alias_of(name)
    return name == "action" and "freehold.policy.ActionWord" or "freehold.policy." .. pascal(name)
end

function names.type_of(contract, shape, member)
    local decision = shape.decision
    local words = member.words and contract.words_by_name[member.words]
    local choice = words and (words.macro and "string" or names.alias_of(member.words))
    local types = {
        bytes = decision and "freehold.Bytes" or "integer",
        integer = "integer", count = "integer", place = "integer", float = "number",
        number = "number", boolean = "boolean", ms = "number", indices = "integer[]",
        text = "string", tag = "string",
        account = names.class_of(contract.shapes.account),
        choice = choice, flags = choice and ("table<%s, true>"):format(choice),
        list = member.of and names.class_of(contract.shapes[member.of]) .. "[]",
        special = member.lua,
    }
    return assert(types[member.type], member.name)
end

return names
