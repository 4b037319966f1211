-- Where the scripts lie that come with Freehold: workloads and policies may be given by name.

local scripts = {}

-- The folder that the module freehold.cli lies in: ".../lua/", or ".../share/lua/5.4/".
local lua_dir = (debug.getinfo(1, "S").source:match("^@(.*)freehold[/\\]cli[/\\]") or "./")

-- The folder that is `levels` above one whose name ends in a slash.
local function above(folder, levels)
    for _ = 1, levels do
        local up = folder:match("^(.*[/\\])[^/\\]+[/\\]$")
        local last = folder:match("([^/\\]+)[/\\]$")
        folder = up and last ~= "." and last ~= ".." and up or folder .. "../"
    end
    return folder
end

-- In a checkout, beside the folder of Lua files; installed, in share/freehold; as a rock, within.
local folders = {
    above(lua_dir, 1) .. "scripts/", above(lua_dir, 2) .. "freehold/scripts/",
    lua_dir .. "freehold/scripts/",
}

local function is_there(path)
    local file = io.open(path, "rb")
    if file then
        file:close()
    end
    return file ~= nil
end

-- What comes along. Lua cannot list folders; the specs compare this with what is there.
local shipped = {
    workloads = { "streaming_world", "renderer", "compute_job" },
    policies = { "budget", "tiers", "streaming", "spill", "tags", "pools" },
}

-- Asked first: to open what may be a pipe, to see whether it is there, could last for ever.
local function is_shipped(kind, text)
    for _, name in ipairs(shipped[kind]) do
        if name == text then
            return true
        end
    end
    return false
end

--- The path that `text` means: of a file, or of a script of that name that comes along. What is
--- neither is taken for a file that is missing.
---@param kind "workloads"|"policies"
---@param text string
---@return string
function scripts.path(kind, text)
    if is_shipped(kind, text) and not is_there(text) then
        for _, folder in ipairs(folders) do
            local path = ("%s%s/%s.lua"):format(folder, kind, text)
            if is_there(path) then
                return path
            end
        end
    end
    return text
end

--- The names of the scripts that come along.
---@param kind "workloads"|"policies"
---@return string[]
function scripts.names(kind)
    return shipped[kind]
end

return scripts
