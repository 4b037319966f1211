-- Every public function is documented: each FH_API declaration follows a /** */ block with the
-- known tags in their one order. All need Threads, and Errors where they return an fh_result.
--
--     lua5.4 tools/check_docs.lua [--list] include/freehold/*.h
--
-- Prints each offence as file:line: message, and fails when there was one. With --list it prints
-- the names of the public functions instead, one per line.

dofile((arg[0]:gsub("[^/]*$", "lib.lua"))).help(arg)

local tags = { "Owns", "Errors", "Threads", "Cost", "Source" }
local rank = {}
for index, tag in ipairs(tags) do
    rank[tag] = index
end

local list = arg[1] == "--list"
local failed = false
local function complain(file, line, ...)
    io.stderr:write(("%s:%d: %s\n"):format(file, line, string.format(...)))
    failed = true
end

-- `lines` are those between /** and */, without their leading star.
local function check_block(file, first_line, lines, name, returns_result)
    local seen, last = {}, 0
    local has_prose = false
    for index, text in ipairs(lines) do
        local tag = text:match("^(%u%l+):%s")
        if not tag then
            has_prose = has_prose or (last == 0 and text:find("%w") ~= nil)
        elseif not rank[tag] then
            complain(file, first_line + index, "%s: unknown tag '%s:'; known are %s", name, tag,
                table.concat(tags, ", "))
        else
            if rank[tag] <= last then
                complain(file, first_line + index, "%s: '%s:' is out of order; it is %s", name, tag,
                    table.concat(tags, ", "))
            end
            last = rank[tag]
            seen[tag] = true
        end
    end
    if not has_prose then
        complain(file, first_line, "%s: the documentation does not begin with what it does", name)
    end
    if not seen.Threads then
        complain(file, first_line, "%s: no 'Threads:'", name)
    end
    if returns_result and not seen.Errors then
        complain(file, first_line, "%s: returns an fh_result, and has no 'Errors:'", name)
    end
end

local function check(file)
    local number = 0
    local block, block_line -- the /** */ that ended on the line before, or is being read
    local inside = false
    for text in io.lines(file) do
        number = number + 1
        if inside then
            if text:find("*/", 1, true) then
                inside = false
            else
                table.insert(block, (text:gsub("^%s*%*%s?", "")))
            end
        elseif text:find("^/%*%*") then
            block, block_line = {}, number
            inside = not text:find("*/", 1, true) -- a block of one line says too little
        else
            local declaration = text:match("^%s*FH_API%s+(.*)")
            local name = declaration and declaration:match("([%w_]+)%s*%(")
            if declaration and not name then
                complain(file, number, "FH_API without a function's name on its line")
            elseif list and name then
                print(name)
            elseif name and not block then
                complain(file, number, "%s: no /** */ right before it", name)
            elseif name then
                local returns_result = declaration:find("^fh_result%s") ~= nil
                check_block(file, block_line, block, name, returns_result)
            end
            block = nil
        end
    end
end

for index = list and 2 or 1, #arg do
    check(arg[index])
end

os.exit(not failed)
