-- The floor rule: a C file includes only from its own floor or below, headers include each other in
-- no circle, and Lua's headers are for those folders alone that are for Lua.
--
--     lua5.4 tools/check_floors.lua FILE...        from the root; all .c and .h files of the tree
--
-- Prints each offence as file:line: message, and fails when there was one.

dofile((arg[0]:gsub("[^/]*$", "lib.lua"))).help(arg)

-- The folders, and the floor of each. A folder that is not here is an error: decide first where it
-- stands. `public`: its files see what a user sees, that is public headers only. `lua`: they may
-- include Lua's headers, all of them or this one alone. `sees`: they include from there alone.
local folders = {
    ["src/base"] = { floor = 1 },
    ["src/block"] = { floor = 2 },
    ["src/backend"] = { floor = 3 },
    ["src/backend/host"] = { floor = 3 },
    ["src/device"] = { floor = 4 },
    ["src/trace"] = { floor = 6 },
    ["src/replay"] = { floor = 6 },
    -- A shared object of its own, which has no device in it.
    ["src/layer"] = {
        floor = 6,
        sees = { "include/", "src/base/", "src/trace/recorder.h", "src/layer/" },
    },
    -- In libfreehold, which has no Lua and opens the sandbox at run time.
    ["src/script"] = {
        floor = 7,
        sees = {
            "include/", "src/base/", "src/block/", "src/backend/", "src/device/", "src/script/",
        },
    },
    -- In libfreehold_script.so.0, which has base and nothing else of the library.
    ["src/sandbox"] = {
        floor = 7,
        lua = "src/sandbox/lua54.h",
        sees = { "include/", "src/base/", "src/sandbox/", "src/script/engine.h" },
    },
    ["src/binding"] = { floor = 8, lua = "src/sandbox/lua54.h" },
    ["tests/unit"] = { floor = 10, lua = true },
    ["tests/conform"] = { floor = 10 },
    ["tests/layer"] = { floor = 10, public = true },
    ["tests/fuzz"] = { floor = 10, lua = true },
    ["tests/hosts"] = { floor = 10, lua = true },
    ["tests/spec"] = { floor = 10, lua = true },
    ["bench"] = { floor = 10, lua = true },
    ["examples"] = { floor = 10, public = true },
}

-- Public headers stand on the floor that implements them; freehold.h includes them all.
local public_headers = {
    ["api.h"] = 1,
    ["host.h"] = 1,
    ["result.h"] = 1,
    ["stats.h"] = 1,
    ["block.h"] = 2,
    ["backend.h"] = 3,
    ["epoch.h"] = 3,
    ["format.h"] = 3,
    ["memory.h"] = 3,
    ["resource.h"] = 3,
    ["simulated.h"] = 3,
    ["account.h"] = 4,
    ["allocator.h"] = 4,
    ["device.h"] = 4,
    ["observer.h"] = 4,
    ["parcel.h"] = 4,
    ["policy.h"] = 4,
    ["pool.h"] = 4,
    ["trace_event.h"] = 6,
    ["trace.h"] = 6,
    ["replay.h"] = 6,
    ["script.h"] = 7,
    ["freehold.h"] = 7,
}

local lua_headers = { ["lua.h"] = true, ["lauxlib.h"] = true, ["lualib.h"] = true }

local failed = false
local function complain(file, line, ...)
    io.stderr:write(("%s:%d: %s\n"):format(file, line, string.format(...)))
    failed = true
end

local function place_of(file)
    local header = file:match("^include/freehold/([^/]+)$")
    if header then
        local floor = public_headers[header]
        return floor and { floor = floor, public = true }
    end
    return folders[file:match("^(.*)/[^/]+$") or "."]
end

local sources = {} -- path → true
for _, file in ipairs(arg) do
    sources[file] = true
end

-- The file of the tree that an include names, or nil for one of the system's.
local function find(file, name, quoted)
    local candidates = { "include/" .. name, "src/" .. name }
    if quoted then
        table.insert(candidates, 1, file:match("^(.*/)[^/]+$") .. name)
        table.insert(candidates, "tests/" .. name)
    end
    for _, candidate in ipairs(candidates) do
        if sources[candidate] then
            return candidate
        end
    end
end

local includes = {} -- header → list of { path, line }

local function starts_with_one_of(path, starts)
    for _, start in ipairs(starts) do
        if path:sub(1, #start) == start then
            return true
        end
    end
    return false
end

local function check_include(file, place, line, quoted, name)
    if lua_headers[name] and not place.lua then
        complain(file, line, "there is no Lua in this folder, and this includes <%s>", name)
    elseif lua_headers[name] and place.lua ~= true and place.lua ~= file then
        complain(file, line, "include %s instead of <%s>; it says why", place.lua, name)
    end
    local target = find(file, name, quoted)
    if not target then
        if quoted or name:find("^freehold/") then
            complain(file, line, "%s is no file of the tree", name)
        end
        return
    end
    local target_place = place_of(target)
    if not target_place then
        return -- complained about where it is checked itself
    end
    if target_place.floor > place.floor then
        complain(file, line, "floor %d includes %s of floor %d", place.floor, target,
            target_place.floor)
    end
    if place.sees and not starts_with_one_of(target, place.sees) then
        complain(file, line, "%s is not in every artefact that this file is in", target)
    end
    if place.public and not target_place.public then
        complain(file, line, "%s is not public, and this file may see only what users see", target)
    end
    table.insert(includes[file], { path = target, line = line })
end

local function check(file)
    local place = place_of(file)
    if not place then
        complain(file, 1, "no floor is known for this file; enter it in tools/check_floors.lua")
        return
    end
    includes[file] = {}
    local number = 0
    for text in io.lines(file) do
        number = number + 1
        local open, name = text:match('^%s*#%s*include%s*([<"])([^>"]+)[>"]')
        if name then
            check_include(file, place, number, open == '"', name)
        end
    end
end

for _, file in ipairs(arg) do
    check(file)
end

-- Circles: a depth-first walk; what it meets again while still inside of it closes one.
local state = {}
local function walk(file, trail)
    state[file] = "open"
    table.insert(trail, file)
    for _, include in ipairs(includes[file] or {}) do
        if state[include.path] == "open" then
            complain(file, include.line, "a circle of includes: %s → %s",
                table.concat(trail, " → "), include.path)
        elseif not state[include.path] then
            walk(include.path, trail)
        end
    end
    table.remove(trail)
    state[file] = "done"
end

for _, file in ipairs(arg) do
    if not state[file] then
        walk(file, {})
    end
end

os.exit(not failed)
