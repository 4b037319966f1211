-- Policies in every kind of program: with a Lua 5.4, a Lua 5.1 or a LuaJIT of its own, and with
-- none, linked to Freehold in every way that there is. tests/hosts/scenario.c is what each of them
-- does.

local support = require "tests.spec.support"

local quote = support.quote

local script_library = support.build .. "/libfreehold_script.so.0"
local installed = support.run("ldconfig -p"):find("libfreehold_script", 1, true)

local function is_there(command)
    local _, _, code = support.run(command .. " >/dev/null")
    return code == 0
end

-- Without this the dynamic linker mixes up the two Luas of a process (DESIGN.md, rule 4), and
-- sanitizers exclude it.
local deep_bind = not support.run("nm " .. quote(support.build .. "/libfreehold.a"))
    :find("__asan_", 1, true)

describe("a policy", function()
    local folder

    before_each(function()
        folder = support.folder()
    end)

    after_each(function()
        support.remove(folder)
    end)

    -- Compiles files of tests/hosts to `name` in the folder.
    local function compile(name, arguments)
        local path = quote(folder .. "/" .. name)
        local _, complaints, code = support.run(table.concat({
            "unset LD_PRELOAD; cd", quote(support.root .. "/tests/hosts"), "&&", support.cc(),
            "-g -o", path, arguments,
        }, " "))
        assert.equal("", complaints)
        assert.equal(0, code)
        return path
    end

    local in_build = function(file)
        return quote(support.build .. "/" .. file)
    end
    local shared = in_build "libfreehold.so.0" .. " -Wl,-rpath," .. quote(support.build)
    local static = in_build "libfreehold.a" .. " -pthread -ldl"
    local engine_inside = table.concat({
        in_build "libfreehold_script.a", static, "$(pkg-config --libs lua5.4) -lm",
    }, " ")
    local lua_program = "$(pkg-config --cflags lua5.4) -DHOST_LUA"
    local plain = "host_plain.c scenario.c "

    local function decides(command)
        local output, complaints, code = support.run_program(command .. " " .. quote(folder))
        assert.equal("", complaints)
        assert.equal("", output)
        assert.equal(0, code)
    end

    local function put_library_beside()
        support.run(("cp %s %s"):format(quote(script_library), quote(folder)))
    end

    describe("in a C program", function()
        it("decides with the shared library", function()
            decides(compile("plain", plain .. shared))
        end)

        it("decides with the archive, and the engine beside the program", function()
            local program = compile("plain", plain .. static)
            put_library_beside()
            decides(program)
        end)

        it("decides with the archive, and the engine in ../lib", function()
            compile("plain", plain .. static)
            support.run(("cd %s && mkdir bin lib && mv plain bin && cp %s lib"):format(
                quote(folder), quote(script_library)))
            -- The name that a program is called by must not say where code comes from.
            decides("bash -c 'exec -a /nowhere/plain \"$@\"' - " .. quote(folder .. "/bin/plain"))
        end)

        it("decides with the archive, and the engine where the system looks", function()
            decides("LD_LIBRARY_PATH=" .. quote(support.build) .. " "
                .. compile("plain", plain .. static))
        end)

        it("decides beside a Lua 5.4 of the program's own", function()
            decides(compile("plain", ("%s %s %s $(pkg-config --libs lua5.4) -lm"):format(
                plain, lua_program, shared)))
        end)

        it("decides on the program's own Lua 5.4", function()
            local program = compile("plain", ("%s %s %s"):format(plain, lua_program, engine_inside))
            decides(program)
            local maps = support.run(("LD_DEBUG=files %s %s 2>&1"):format(program, quote(folder)))
            assert.is_nil(maps:find("libfreehold", 1, true))
        end)
    end)

    -- The module for the Lua `name`, whose headers pkg-config knows as `package`: linked to the
    -- shared library, or with the archive inside.
    local hosts = { ["lua5.4"] = "lua5.4", ["lua5.1"] = "lua5.1", luajit = "lua5.1" }
    local kinds = { ["the shared library"] = shared, ["the archive"] = static }
    for name, package in pairs(hosts) do
        describe("in " .. name, function()
            for kind, library in pairs(kinds) do
                it("decides with " .. kind, function()
                    if not is_there("command -v " .. name)
                        or not is_there("pkg-config --exists " .. package) then
                        return pending(name .. " or its headers are not there")
                    elseif not deep_bind and name ~= "lua5.4" then
                        return pending "sanitizers exclude RTLD_DEEPBIND"
                    end
                    compile("freehold_host.so", ("-shared -fPIC -fvisibility=hidden"
                        .. " $(pkg-config --cflags %s) host_lua.c scenario.c %s"):format(
                        package, library))
                    put_library_beside()
                    local program = ("assert(require('freehold_host').run(%q))"
                        .. " print(#string.rep('x', 9))"):format(folder)
                    local output, complaints, code = support.run(table.concat({
                        support.environment(), "LUA_PATH= LUA_CPATH=" .. quote(folder .. "/?.so"),
                        name, "-e", quote(program),
                    }, " "))
                    assert.equal("", complaints)
                    assert.equal("9\n", output)
                    assert.equal(0, code)
                end)
            end
        end)
    end

    describe("in lua5.4, through the module", function()
        it("decides", function()
            local path = folder .. "/policy.lua"
            local function policy(limit)
                support.write(path,
                    ("return { limits = function() return { total = %q } end }"):format(limit))
            end
            local fh = require "freehold"
            local device <close> = assert(fh.device {})
            local buffers = {}
            local function fill()
                local buffer, _, code
                repeat
                    buffer, _, code = device:buffer { size = fh.MiB, usage = "storage" }
                    table.insert(buffers, buffer)
                until not buffer
                assert.equal("budget", code)
                return #buffers
            end
            policy "4MiB"
            assert(device:set_policy(path))
            assert.equal(4, fill())
            policy "6MiB"
            assert(device:policy():reload())
            assert(device:tick())
            assert.equal(6, fill())
            assert.equal(2, device:policy():status().scripts[1].version)
            for _, buffer in ipairs(buffers) do
                buffer:close()
            end
        end)
    end)
end)

describe("libfreehold_script.so.0", function()
    local folder, program

    setup(function()
        folder = support.folder()
        program = folder .. "/plain"
        local _, complaints = support.run(("unset LD_PRELOAD; cd %s && %s -o %s"
            .. " host_plain.c scenario.c %s -pthread -ldl"):format(
            quote(support.root .. "/tests/hosts"), support.cc(), quote(program),
            quote(support.build .. "/libfreehold.a")))
        assert.equal("", complaints)
    end)

    teardown(function()
        support.remove(folder)
    end)

    local function fails(...)
        local _, complaints, code = support.run_program(
            ("%s %s"):format(quote(program), quote(folder)))
        assert.equal(1, code)
        for _, part in ipairs { ... } do
            assert.is_truthy(complaints:find(part, 1, true), part .. " is not in " .. complaints)
        end
    end

    -- A library of that name beside the program.
    local function stand_in(text)
        support.write(folder .. "/library.c", text)
        local _, complaints = support.run(("unset LD_PRELOAD; cd %s && %s -w -shared -fPIC -I%s -o"
            .. " libfreehold_script.so.0 library.c"):format(
            quote(folder), support.cc(), quote(support.root .. "/src")))
        assert.equal("", complaints)
    end

    it("is missed in a sentence", function()
        if installed then
            return pending "it is installed"
        end
        fails("libfreehold_script.so.0", folder, "../lib", "LD_LIBRARY_PATH", "install it")
    end)

    it("has to be one", function()
        support.write(folder .. "/libfreehold_script.so.0", "nonsense")
        fails("cannot be opened", folder)
        stand_in "int something;"
        fails("another Freehold", folder)
        stand_in "const void *fhi_script_engine(unsigned abi) { return 0; }"
        fails("another Freehold", folder)
    end)

    it("has to be of the same version", function()
        stand_in [[
            #include <script/engine.h>
            static const fhi_engine engine = { .abi = FHI_ENGINE_ABI, .version = "0.0.9" };
            const fhi_engine *fhi_script_engine(uint32_t abi) { return &engine; }
        ]]
        fails("another Freehold", "0.1.0", folder)
    end)
end)
