-- For luacheck. Lua 5.4, a hundred columns, and nothing unused.
std = "lua54"
max_line_length = 100
-- tests/hostile is wrong on purpose.
exclude_files = { "build", "tests/hostile" }

-- Policies know what their sandbox has, and nothing else. Their hooks have arguments that not each
-- of them needs.
stds.freehold_policy = dofile("lua/freehold/luacheck_policy.lua")
files["scripts/policies"] = { std = "freehold_policy" }

files["tests/spec"] = { std = "+busted" }

-- A script for premake, which runs Lua 5.1 (premake4) or 5.3 (premake5) with words of its own.
-- Those of premake4 alone and of premake5 alone are all here: the file asks which it has.
files["premake5.lua"] = {
    std = "min",
    read_globals = {
        "_OPTIONS", "buildoptions", "configuration", "configurations", "defines", "files", "filter",
        "flags", "includedirs", "kind", "language", "libdirs", "linkoptions", "links", "location",
        "newoption", "objdir", "project", "solution", "symbols", "targetdir", "targetextension",
        "targetname", "targetprefix", "workspace",
        os = { fields = { "matchfiles" } },
        path = { fields = { "getabsolute", getbasename = { read_only = false } } },
    },
}

-- luarocks reads a rockspec's globals.
files["*.rockspec"] = {
    std = "none",
    globals = { "package", "version", "source", "description", "dependencies", "build",
        "rockspec_format" },
}
