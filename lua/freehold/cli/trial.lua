-- A policy on trial: read, checked against the contract, and ready to be asked, without a device.

local fh = require "freehold"
local profiles = require "freehold.cli.profile"
local scripts = require "freehold.cli.scripts"
local setting = require "freehold.cli.setting"

local trial = {}

--- The hooks that can be asked, in the order of the contract.
trial.hooks = {
    "place", "relieve", "limits", "frame", "pressure", "retain", "recycle", "evict", "alias",
    "defrag", "migrate",
}

--- Adds what both commands have to a parser.
function trial.describe(parser)
    setting.describe(parser)
    parser:option("--profile", "the simulated GPU whose heaps and memory types the policy sees"
        .. " (default: discrete-8g)"):argname "NAME|FILE.lua"
end

--- Reads the policy that `name` means: a path, or the name of one that comes along. Nil and a
--- message when it is not accepted; ends when the options make no sense.
---@param host freehold.CliHost
---@param name string
---@param args table
---@return freehold.PolicyTest?
---@return string message_or_path
function trial.open(host, name, args)
    local path = scripts.path("policies", name)
    local test, message, code = profiles.checked(host, fh.policy_test, path, {
        options = setting.table(args.set),
        profile = args.profile and profiles.of(host, args.profile),
    })
    if not test and code == "invalid" then
        host.misuse(message)
    end
    return test, test and path or message
end

--- What keeps a verdict from being cached: the first thing that was read and is no class fact,
--- unless the verdict says how long it is to be kept. Nil: nothing, or it is no verdict.
---@param hook string
---@param decision table?
---@param info freehold.CallInfo
---@return string?
function trial.uncached(hook, decision, info)
    local is_kept = decision ~= nil and decision.keep ~= "never"
    return hook == "place" and not is_kept and info.uncached or nil
end

return trial
