-- What several specs need: where things are, and running programs.

local support = {}

--- The root of the checkout, which is where the specs are run.
support.root = assert(os.getenv("PWD"))
assert(io.open(support.root .. "/tests/spec/support.lua"), "run this in the root"):close()

--- The folder of the products under test.
support.build = os.getenv("FREEHOLD_BUILD") or support.root .. "/build/release"

--- `text` as one word of the shell.
function support.quote(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

function support.read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("a")
    file:close()
    return text
end

function support.write(path, text)
    local file = assert(io.open(path, "wb"))
    assert(file:write(text))
    assert(file:close())
end

--- A new folder, which support.remove() takes away.
function support.folder()
    local pipe = assert(io.popen("mktemp -d"))
    local path = pipe:read("l")
    pipe:close()
    return path
end

function support.remove(folder)
    assert(folder:find("^/tmp/") or folder:find("^" .. (os.getenv("TMPDIR") or "/tmp/")))
    os.execute("rm -rf " .. support.quote(folder))
end

--- Runs a command line of the shell; returns what it printed, its complaints, and its exit code.
function support.run(command)
    local folder = support.folder()
    local out, err = folder .. "/out", folder .. "/err"
    local _, how, code = os.execute(("( %s\n) >%s 2>%s </dev/null"):format(command, out, err))
    if how == "signal" then
        code = 128 + code
    end
    local output, complaints = support.read(out), support.read(err)
    support.remove(folder)
    return output, complaints, code
end

-- The flags and the runtime of the sanitizer that the library under test was built with.
local sanitizer
local function find_sanitizer()
    if not sanitizer then
        local names = support.run("nm " .. support.quote(support.build .. "/libfreehold.a"))
        sanitizer = names:find("__asan_") and { "-fsanitize=address,undefined", "libasan.so" }
            or names:find("__tsan_") and { "-fsanitize=thread", "libtsan.so" }
            or { "", nil }
    end
    return sanitizer[1], sanitizer[2]
end

--- What to put before a command that loads the module under test: where Lua finds our files and the
--- module, and the runtime of its sanitizer.
function support.environment()
    local words = ("LUA_PATH=%s LUA_CPATH=%s"):format(
        support.quote(support.root .. "/lua/?.lua;;"), support.quote(support.build .. "/?.so;;"))
    local _, runtime = find_sanitizer()
    if runtime then
        words = words .. (" LD_PRELOAD=$(%s -print-file-name=%s)"):format(
            os.getenv("CC") or "gcc", runtime) .. " ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0"
    end
    return words .. " "
end

--- Runs stock Lua with arguments that are already quoted for the shell.
function support.lua(arguments)
    return support.run(support.environment() .. "lua5.4 " .. arguments)
end

--- The compiler's command, with the flags that a program needs to be linked to the archive under
--- test.
function support.cc()
    local flags = os.getenv("FREEHOLD_CFLAGS") or (find_sanitizer())
    return ("%s -std=c11 -Wall -Wextra -Wpedantic -Werror %s -I%s"):format(
        os.getenv("CC") or "cc", flags, support.quote(support.root .. "/include"))
end

--- Runs a program that was made with support.cc(): leaks count as failures, unlike under the stock
--- Lua that runs this.
function support.run_program(command)
    return support.run("unset LD_PRELOAD; ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=1 " .. command)
end

local function must_contain(message, parts, what)
    for _, part in ipairs(parts) do
        if not tostring(message):find(part, 1, true) then
            error(("%q is not in the %s %q"):format(part, what, tostring(message)), 3)
        end
    end
end

--- That `call` raises a message that has all these parts.
function support.raises(call, ...)
    local done, message = pcall(call)
    if done then
        error("it did not raise", 2)
    end
    must_contain(message, { ... }, "error")
end

--- That what a call returned is nil, a message that has all these parts, and `code`:
--- `fails("stale", { "closed" }, device:tick())`.
function support.fails(code, parts, ...)
    local results = table.pack(...)
    if results[1] ~= nil or results[3] ~= code or results.n ~= 3 then
        error(("it should have failed with %q, and returned %s, %s, %s"):format(
            code, tostring(results[1]), tostring(results[2]), tostring(results[3])), 2)
    end
    must_contain(results[2], parts, "message")
end

--- A full collection, finalizers and what they let go included.
function support.collect()
    collectgarbage()
    collectgarbage()
end

--- A device whose copies happen by hand, and small enough to be filled. `changes` go into its
--- profile, `options` into what fh.device gets.
function support.small_device(options, changes)
    local fh = require "freehold"
    local profile = {
        name = "small",
        heaps = {
            { size = 64 * fh.MiB, device_local = true, os_budget = 64 * fh.MiB },
            { size = 128 * fh.MiB, os_budget = 128 * fh.MiB },
        },
        types = {
            { heap = 0, flags = "device_local" },
            { heap = 1, flags = "host_visible|host_coherent" },
        },
    }
    for key, value in pairs(changes or {}) do
        profile[key] = value
    end
    local given = { profile = profile }
    for key, value in pairs(options or {}) do
        given[key] = value
    end
    return assert(fh.device(given))
end

return support
