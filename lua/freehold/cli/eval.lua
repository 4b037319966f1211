-- `freehold eval`: asks a policy one thing, and prints what it decides.

local fh = require "freehold"
local json = require "freehold.cli.json"
local literal = require "freehold.cli.literal"
local text = require "freehold.cli.text"
local trial = require "freehold.cli.trial"

local command = {}

--- Adds the command to the parser of `freehold`.
function command.describe(parser)
    parser:summary "ask a policy what it would decide"
    parser:description(
        "Calls hooks of a policy with facts of yours, and prints what they decide. A call is Lua:\n"
        .. "the hook's name and a table of what it is asked about. What is left out has a default.")
    parser:argument("policy", "a file, or one that comes along"):argname "POLICY"
    parser:argument("call", "such as 'place{kind=\"texture\", size=\"20MiB\"}'; several are asked"
        .. " in order"):argname "CALL":args "+"
    trial.describe(parser)
    parser:flag("--explain", "print the line that decided, and what it cost")
    parser:flag("--json", "print one JSON object for each call, in a line of its own")
    parser:epilog([[
Examples:
   freehold eval budget 'place{kind="texture", size="20MiB"}'
   freehold eval budget 'limits{}' --set limit=1GiB
   freehold eval my.lua 'set("soft", 0.5)' 'pressure{up=true, used="400MiB", limit="512MiB"}'
   freehold eval my.lua 'facts{used="3GiB"}' 'relieve{size="64MiB", attempt=2}'
   freehold eval my.lua 'evict{candidates={ {age=3, size="1MiB"}, {age=9, size="4MiB"} }}'

Hooks are ]] .. table.concat(trial.hooks, ", ") .. [[.
facts{} changes the device that all hooks see, set(name, value) an option, set_state{} the
state.]])
end

-- What the hook answered, on the output.
local function show(args, host, hook, decision, info)
    local reads = trial.uncached(hook, decision, info)
    if args.json then
        host.print(json.line({
            hook = hook, decision = decision == nil and json.null or decision,
            outcome = info.outcome, charge = info.charge, line = info.line,
            uncached = reads, log = json.list(info.log or {}),
        }, { "hook", "decision" }))
        return
    end
    local line = decision == nil and "nil (the native rule decides)" or literal.of(decision)
    if args.explain then
        local more = {}
        if info.line then
            more[1] = "line " .. info.line
        end
        more[#more + 1] = ("%d units"):format(info.charge)
        if reads then
            more[#more + 1] = "not cached: it reads " .. reads
        end
        line = line .. "  -- " .. table.concat(more, ", ")
        for _, logged in ipairs(info.log or {}) do
            line = line .. "\n-- log: " .. text.clean(logged)
        end
    end
    host.print(text.clean(line, true) .. "\n")
end

-- What a call sees: a function for each hook, and those that change what hooks see.
local function environment(args, host, test)
    local env = { KiB = fh.KiB, MiB = fh.MiB, GiB = fh.GiB }
    local known = { "facts", "set", "set_state" }
    for _, hook in ipairs(trial.hooks) do
        known[#known + 1] = hook
        env[hook] = function(...)
            local decision, info, code = test[hook](test, ...)
            if code then
                host.fail(info)
            end
            show(args, host, hook, decision, info)
            return decision
        end
    end
    for _, method in ipairs { "facts", "set", "set_state" } do
        env[method] = function(...)
            local done, message = test[method](test, ...)
            if not done then
                host.misuse(message)
            end
        end
    end
    return setmetatable(env, {
        __index = function(_, name)
            error(("there is no '%s' here.%s"):format(tostring(name),
                text.hint(tostring(name), known)), 2)
        end,
    })
end

-- An error of a call, without positions in files of ours.
local function sentence(problem)
    local line = tostring(problem):gsub("^[^\n]-%.lua:%d+: ", "")
        :gsub("^call:1: ", ""):gsub("^bad argument #%d+ to '[^']*' %((.*)%)$", "%1")
    return line:find("[.?!)]$") and line or line .. "."
end

--- Runs the command.
function command.run(args, host)
    local test, message = trial.open(host, args.policy, args)
    if not test then
        host.fail(message)
    end
    local env = environment(args, host, test)
    for _, source in ipairs(args.call) do
        local chunk, problem = load(source, "=call", "t", env)
        if not chunk then
            host.misuse(("'%s' is no call: %s Give one such as 'place{kind=\"texture\","
                .. " size=\"20MiB\"}'."):format(source, sentence(problem)))
        end
        local done, raised = pcall(chunk)
        if not done and (host.is_ending(raised) or host.is_interrupt(raised)) then
            error(raised, 0)
        elseif not done then
            host.misuse(("%s: %s"):format(source, sentence(raised)))
        end
    end
    test:close()
end

return command
