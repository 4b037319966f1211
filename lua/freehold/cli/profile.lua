-- `--profile NAME|FILE.lua`: which GPU the host backend simulates.

local fh = require "freehold"

local profile = {}

-- `text` with a full stop, if it has no stop of its own.
local function sentence(text)
    return text:find("[.?!]$") and text or text .. "."
end

--- The profile that the text asks for: a name, or the table that a file returns.
---@param host freehold.CliHost
---@param text string
---@return string|table
function profile.of(host, text)
    if not text:find("%.lua$") then
        for _, name in ipairs(fh.profiles()) do
            if name == text then
                return name
            end
        end
        host.misuse(("there is no profile '%s'. There are '%s'; or give a file that ends in .lua.")
            :format(text, table.concat(fh.profiles(), "', '")))
    end
    local chunk, problem = loadfile(text, "t")
    if not chunk then
        host.fail(sentence("cannot load the profile: " .. problem))
    end
    local done, made = pcall(chunk)
    if not done then
        host.fail(sentence(("the profile in %s failed: %s"):format(text, tostring(made))))
    end
    if type(made) ~= "table" then
        host.misuse(("%s returns no table: a profile looks like what fh.profile(%q) gives.")
            :format(text, fh.profiles()[1]))
    end
    return made
end

--- What the call gives; ends with its error, without a position, since that is one of ours.
---@param host freehold.CliHost
---@param call function
---@return any ...
function profile.checked(host, call, ...)
    local done, result, message, code = pcall(call, ...)
    if not done then
        host.misuse(sentence(
            (tostring(result):gsub("^bad argument #%d+ to '[^']*' %((.*)%)$", "%1"))))
    end
    return result, message, code
end

return profile
