-- One description of the build for two generators: premake5, and the premake4 that Debian 12 has.
-- tools/build does it all; by hand it is
--
--     premake5 gmake                             or: premake4 --file=premake5.lua gmake
--     make -C build/gen config=release           debug, release, sanitize or tsan
--
-- Everything lands in build/<config>/. Sources are found by pattern: a new file needs no edit here.

newoption {
    trigger = "out",
    value = "DIR",
    description = "where makefiles, objects and products go, from here (default: build)",
}

local out = _OPTIONS["out"] or "build"
local configs = { "debug", "release", "sanitize", "tsan" }

------------------------------------------------------------------------------------------------
-- The two generators' different words

local premake5 = workspace ~= nil

-- What follows holds for one configuration only, or again for all of them.
local function when(config)
    if premake5 then
        filter(config and { "configurations:" .. config } or {})
    else
        configuration(config and { config } or {})
    end
end

-- premake4 names an object after its source's last part only, and would take two files of one name
-- in different folders for one. With this base/json.c is base_json.o.
local basename = path.getbasename
if not premake5 then
    path.getbasename = function(file)
        local dir, name = file:match("([^/]+)/([^/]+)%.c$")
        return dir and dir .. "_" .. name or basename(file)
    end
end

local function pkg_config(what)
    local pipe = io.popen("pkg-config " .. what .. " 2>/dev/null")
    local answer = pipe:read("*a")
    pipe:close()
    return answer
end

-- Adds what pkg-config says of a library to the project: where its headers are, and, unless only
-- these are asked for, what to link.
local function use_package(name, headers_only)
    local asked = headers_only and "--cflags-only-I " or "--cflags-only-I --libs "
    for flag, value in pkg_config(asked .. name):gmatch("%-([ILl])(%S+)") do
        local add = { I = includedirs, L = libdirs, l = links }
        add[flag] { value }
    end
end

-- Distributions do not agree on a name for Lua 5.4.
local function find_lua()
    for _, name in ipairs { "lua5.4", "lua-5.4", "lua54" } do
        if pkg_config("--libs " .. name) ~= "" then
            return name
        end
    end
    return "lua"
end
local lua = find_lua()

------------------------------------------------------------------------------------------------
-- What every target has

local workspace_or_solution = workspace or solution
workspace_or_solution "freehold"
configurations(configs)
location(out .. "/gen")
objdir(out .. "/obj")
language "C"
includedirs { "include", "src" }

-- Without this premake4 strips every binary.
if premake5 then
    symbols "On"
else
    flags { "Symbols" }
end

-- Hidden by default, FH_API marks what is not. Nobody replaces our functions at load time, so the
-- compiler may inline them also where they are exported. -fPIC for the archive, too: it goes into
-- shared objects of others.
buildoptions {
    "-std=c11",
    "-g",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-semantic-interposition",
    "-pthread",
}
linkoptions { "-pthread" }

-- FH_DEBUG turns on FH_ASSERT, which is cheap. FH_AUDIT walks a whole structure after its changes
-- (of a large one, after some of them): sanitize and tools/fuzz have it.
local settings = {
    debug = { defines = { "FH_DEBUG=1" }, options = { "-Og" } },
    release = { defines = { "NDEBUG" }, options = { "-O2" } },
    sanitize = {
        defines = { "FH_DEBUG=1", "FH_AUDIT=1" },
        options = { "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all" },
        sanitizers = "-fsanitize=address,undefined",
    },
    tsan = {
        defines = { "FH_DEBUG=1" },
        options = { "-O1", "-fno-omit-frame-pointer" },
        sanitizers = "-fsanitize=thread",
    },
}

for _, config in ipairs(configs) do
    local setting = settings[config]
    when(config)
    targetdir(out .. "/" .. config)
    defines(setting.defines)
    buildoptions(setting.options)
    if setting.sanitizers then
        buildoptions { setting.sanitizers }
        linkoptions { setting.sanitizers }
    end
end
when(nil)

------------------------------------------------------------------------------------------------
-- The artefacts

-- src/script gets at the engine, which is what runs scripts (src/sandbox), in one of two ways: it
-- opens a library, or has it linked.
local function script_sources(but_not)
    local found = {}
    for _, file in ipairs(os.matchfiles("src/script/*.c")) do
        if file ~= "src/script/" .. but_not then
            table.insert(found, file)
        end
    end
    return found
end
local opening = script_sources "open_linked.c"
local linking = script_sources "open_library.c"

local library_sources = {
    "src/base/*.c",
    "src/block/*.c",
    "src/backend/*.c",
    "src/backend/host/*.c",
    "src/device/*.c",
    "src/trace/*.c",
    "src/replay/*.c",
}

local function version_script(file)
    linkoptions { '-Wl,--version-script="' .. path.getabsolute(file) .. '"' }
end

-- libfreehold.a: everything that needs no Lua. It opens libfreehold_script.so.0 when a policy is
-- loaded.
project "freehold"
kind "StaticLib"
files(library_sources)
files(opening)

-- libfreehold.so.0: the same, for programs that link at run time. The number changes when the
-- binary interface does.
project "freehold_shared"
kind "SharedLib"
targetprefix ""
targetname "libfreehold"
targetextension ".so.0"
files(library_sources)
files(opening)
use_package "libzstd"
links { "dl" }
linkoptions { "-Wl,-soname,libfreehold.so.0" }

-- libfreehold_script.so.0: the engine, on the system's Lua 5.4. Opened by libfreehold so that none
-- of its names is seen by others; shows one itself: fhi_script_engine.
project "freehold_script_shared"
kind "SharedLib"
targetprefix ""
targetname "libfreehold_script"
targetextension ".so.0"
files { "src/base/*.c", "src/sandbox/*.c" }
use_package(lua)
linkoptions { "-Wl,-soname,libfreehold_script.so.0" }
version_script "src/sandbox/script.map"

-- libfreehold_script.a: the engine for programs that have a Lua 5.4 anyway. To be linked before
-- libfreehold.a, whose src/script it takes the place of.
project "freehold_script"
kind "StaticLib"
files { "src/sandbox/*.c" }
files(linking)
use_package(lua, "headers only")

-- freehold.so: the Lua module, with all of the library inside. It runs on its host's own Lua, so it
-- links none, and shows the host one name only: luaopen_freehold.
project "freehold_lua"
kind "SharedLib"
targetprefix ""
targetname "freehold"
files { "src/binding/*.c", "src/sandbox/*.c" }
files(linking)
use_package(lua, "headers only")
links { "freehold" }
use_package "libzstd"
version_script "src/binding/freehold.map"

-- libVkLayer_freehold.so: the Vulkan layer that records any program. It has floors 1 and 6 inside,
-- and shows the loader's entry points only. Not built where Vulkan's headers are not.
local has_vulkan = pkg_config("--modversion vulkan") ~= ""
if has_vulkan then
    project "freehold_layer"
    kind "SharedLib"
    targetprefix ""
    targetname "libVkLayer_freehold"
    files { "src/layer/*.c" }
    use_package("vulkan", "headers only")
    links { "freehold" }
    use_package "libzstd"
    version_script "src/layer/layer.map"
    -- Programs make an instance to look around, end it, and make another: the loader would unload
    -- the layer in between, and its recording would end there.
    linkoptions { "-Wl,-z,nodelete" }
end

------------------------------------------------------------------------------------------------
-- Programs: one for each <dir>/<prefix>*.c. They share the folder's other .c files. They link the
-- archives, and so can test what the libraries do not export.

-- Those that need a library which a machine may do without, and what pkg-config calls it. Where it
-- is not found, they are not built. tools/build asks for the same.
local optional_libraries = { ["examples/allocator.c"] = "jemalloc" }

-- What a program with the engine inside is to link, and one that opens it.
local with_engine = { "freehold_script", "freehold", "dl" }
local without_engine = { "freehold", "dl" }

local function programs(dir, prefix, target_prefix, freehold, libraries)
    local shared, mains = {}, {}
    for _, file in ipairs(os.matchfiles(dir .. "/*.c")) do
        local package = optional_libraries[file]
        local is_main = basename(file):sub(1, #prefix) == prefix
        if not package or pkg_config("--libs " .. package) ~= "" then
            table.insert(is_main and mains or shared, file)
        end
    end
    local helpers = dir:gsub("/", "_")
    if #shared > 0 then
        project(helpers)
        kind "StaticLib"
        files(shared)
        includedirs { dir, "tests" }
        use_package(lua, "headers only")
        for _, config in ipairs(configs) do
            when(config)
            targetdir(out .. "/obj/" .. config)
        end
        when(nil)
    end
    for _, file in ipairs(mains) do
        project(target_prefix .. basename(file))
        kind "ConsoleApp"
        files { file }
        includedirs { dir, "tests" }
        if #shared > 0 then
            links { helpers }
        end
        links(freehold)
        if freehold == with_engine then
            use_package(lua)
        end
        links(libraries)
        use_package "libzstd"
        if optional_libraries[file] then
            use_package(optional_libraries[file])
        end
    end
end

programs("tests/unit", "test_", "", with_engine, { "cmocka", "m" })
programs("tests/conform", "test_", "", without_engine, { "cmocka", "m" })
programs("bench", "bench_", "", with_engine, { "m" })
programs("examples", "", "example_", without_engine, {})
