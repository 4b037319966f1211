-- What the Lua scripts in tools/ share.

local lib = {}

--- Ends the script when --help is among its arguments: the comment that it begins with is its help.
---@param argv string[]
function lib.help(argv)
    local asked = false
    for _, argument in ipairs(argv) do
        asked = asked or argument == "--help" or argument == "-h"
    end
    if not asked then
        return
    end
    for line in io.lines(argv[0]) do
        local text = line:match("^%-%- ?(.*)")
        if text then
            print(text)
        elseif line:sub(1, 2) ~= "#!" then
            break
        end
    end
    os.exit(0)
end

return lib
