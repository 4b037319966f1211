-- `freehold check`: whether a policy keeps the contract, and what its hooks do with what a program
-- asks them. Nothing is allocated.

local fh = require "freehold"
local literal = require "freehold.cli.literal"
local profiles = require "freehold.cli.profile"
local samples = require "freehold.cli.samples"
local size = require "freehold.cli.size"
local text = require "freehold.cli.text"
local trial = require "freehold.cli.trial"

local command = {}

--- Adds the command to the parser of `freehold`.
function command.describe(parser)
    parser:summary "check a policy, and try every hook"
    parser:description(
        "Reads a policy, checks it against the contract, and tries every hook on what a program\n"
        .. "would ask: on a device that is free, half full, and full. Shows what each hook\n"
        .. "cost, and which verdicts cannot be cached, and why. Ends with 1, and file and line,\n"
        .. "when the policy would be refused, or a hook fails.")
    parser:argument("policy", "files, or policies that come along"):argname "POLICY":args "+"
    trial.describe(parser)
    parser:flag("--explain", "show what each hook was asked, and what it decided")
    parser:epilog([[
Examples:
   freehold check my.lua
   freehold check my.lua --explain --set limit=64MiB --profile mobile-4g
   freehold check scripts/policies/*.lua]])
end

-- What became of one hook.
local function new_result(hook)
    return { hook = hook, tries = 0, decided = 0, charge = 0, uncached = {}, failures = {} }
end

-- Asks the hook of `result` about one thing, on the device that is set.
local function try(result, test, explain, ...)
    local decision, info, code = test[result.hook](test, ...)
    result.tries = result.tries + 1
    if code then
        -- Once is enough: the same line mostly fails for all of them.
        if #result.failures == 0 then
            result.failures[1] = info
        end
        return
    end
    result.decided = result.decided + (decision ~= nil and 1 or 0)
    result.charge = math.max(result.charge, info.charge)
    local reads = trial.uncached(result.hook, decision, info)
    if reads and not result.uncached[reads] then
        result.uncached[reads] = true
        table.insert(result.uncached, reads)
    end
    explain(result.hook, { ... }, decision, info)
end

-- Tries all hooks that the policy has, on one device after the other, so that its state changes as
-- it would; a list of results, in the contract's order.
local function try_all(test, devices, explain)
    local results = {}
    local has = test:hooks()
    for _, hook in ipairs(trial.hooks) do
        results[#results + 1] = has[hook] and new_result(hook) or nil
    end
    for i, device in ipairs(devices) do
        assert(test:facts(device.facts))
        local function explain_there(...)
            explain(device.is, ...)
        end
        for _, result in ipairs(results) do
            if result.hook == "migrate" then
                try(result, test, explain_there, i == 1 and {} or assert(test:state()), 1)
            end
            for _, asked in ipairs(samples[result.hook] or {}) do
                try(result, test, explain_there, asked)
            end
        end
    end
    return results
end

-- What tells of each try, but for those that ended as the same one did on the device before.
local function explainer(print_line)
    local ended = {}
    return function(device, hook, asked, decision, info)
        for i, item in ipairs(asked) do
            asked[i] = literal.of(item)
        end
        local call = ("%s(%s)"):format(hook, table.concat(asked, ", "))
        local answer = decision == nil and "nil" or literal.of(decision)
        local logged = table.concat(info.log or {}, "\n")
        if ended[call] == answer .. "\n" .. logged then
            return
        end
        ended[call] = answer .. "\n" .. logged
        print_line(("  %s, when the device is %s"):format(call, device))
        local reads = trial.uncached(hook, decision, info)
        print_line(("    %s  -- %s%d units%s"):format(answer,
            info.line and ("line %d, "):format(info.line) or "", info.charge,
            reads and ", not cached: it reads " .. reads or ""))
        for _, line in ipairs(info.log or {}) do
            print_line("    log: " .. line)
        end
    end
end

local advice = {
    size = "size_min and size_max are class facts",
    other = "decide on class facts (kind, usage, location, access, tag, size_min, size_max), or say"
        .. " keep = \"frame\", and the verdict holds until the next tick",
}

local function show_uncached(result, print_line)
    for _, what in ipairs(result.uncached) do
        print_line(("  uncached: %s reads '%s', so it is asked for each request; %s."):format(
            result.hook, what, advice[what] or advice.other))
    end
end

local function value_of(option)
    return option.type == "bytes" and size.format(option.value) or literal.of(option.value)
end

local function show_options(test, print_line)
    for _, option in ipairs(test:options()) do
        print_line(("  option %s = %s%s"):format(option.name, value_of(option),
            option.doc and "  (" .. text.clean(option.doc) .. ")" or ""))
    end
end

-- Checks one; returns what failed, as a list of sentences.
local function check(name, args, host, print_line)
    local test, path = trial.open(host, name, args)
    if not test then
        return { path }
    end
    local profile = args.profile and profiles.of(host, args.profile) or "discrete-8g"
    if type(profile) == "string" then
        profile = fh.profile(profile)
    end
    print_line(("%s: policy %s"):format(path, test:name()))
    show_options(test, print_line)
    local results = try_all(test, samples.devices(profile), args.explain
        and explainer(print_line) or function() end)
    local failures = {}
    if #results > 0 then
        print_line(("  %-10s %7s %9s %8s %16s"):format("hook", "tries", "decided", "failed",
            "charge at most"))
    end
    for _, result in ipairs(results) do
        print_line(("  %-10s %7d %9d %8s %16d"):format(result.hook, result.tries, result.decided,
            #result.failures > 0 and "yes" or "-", result.charge))
        table.move(result.failures, 1, #result.failures, #failures + 1, failures)
    end
    for _, result in ipairs(results) do
        show_uncached(result, print_line)
    end
    for _, note in ipairs(test:notes()) do
        print_line("  note: " .. note)
    end
    if #failures == 0 then
        print_line "  It is fine."
    end
    test:close()
    return failures
end

--- Runs the command.
function command.run(args, host)
    local function print_line(line)
        host.print(text.clean(line) .. "\n")
    end
    local failures = {}
    for _, name in ipairs(args.policy) do
        local found = check(name, args, host, print_line)
        table.move(found, 1, #found, #failures + 1, failures)
    end
    if #failures > 0 then
        host.fail(table.concat(failures, "\n"))
    end
end

return command
