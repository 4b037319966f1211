-- Whether two paths are one file: what is written must not take the place of what is read.

local same_file = {}

local function plain(path)
    return (path:gsub("//+", "/"):gsub("/%./", "/"):gsub("^%./", ""))
end

-- As one word of the shell that is no option.
local function quote(path)
    return "'" .. path:gsub("^%-", "./-"):gsub("'", "'\\''") .. "'"
end

-- Through links, and from any folder: the system knows, and stock Lua has only the shell to ask.
local function is_linked(a, b)
    return package.config:sub(1, 1) == "/"
        and os.execute(("test %s -ef %s 2>/dev/null"):format(quote(a), quote(b))) == true
end

--- The first of `inputs` that is the file at `path`; nil when none is.
---@param path string
---@param inputs string[]
---@return string?
function same_file.among(path, inputs)
    for _, input in ipairs(inputs) do
        if plain(path) == plain(input) or is_linked(path, input) then
            return input
        end
    end
end

return same_file
