-- `freehold info`, run as a program under stock Lua.

local fh = require "freehold"
local cjson = require "cjson"
local support = require "tests.spec.support"

local quote = support.quote

local folder

before_each(function()
    folder = support.folder()
    support.write(folder .. "/freehold.lua",
        [[os.exit(require("freehold.cli.main").main(arg), true)]])
end)

after_each(function()
    support.remove(folder)
end)

local function info(words, after)
    local arguments = {}
    for i, word in ipairs(words) do
        arguments[i] = quote(word)
    end
    return support.lua(("%s info %s %s"):format(quote(folder .. "/freehold.lua"),
        table.concat(arguments, " "), after or ""))
end

local function works(words)
    local output, complaints, code = info(words)
    assert.equal("", complaints)
    assert.equal(0, code)
    return output
end

-- That it ends with `code`, prints nothing, and complains with all parts.
local function refuses(code, words, ...)
    local output, complaints, ending = info(words)
    assert.equal("", output)
    assert.equal(code, ending)
    assert.matches("^freehold: ", complaints)
    for _, part in ipairs { ... } do
        assert.is_truthy(complaints:find(part, 1, true),
            ("%q is not in %q"):format(part, complaints))
    end
end

-- A profile in a file; returns its path.
local function profile(text)
    local path = folder .. "/gpu.lua"
    support.write(path, text)
    return path
end

describe("freehold info", function()
    it("shows backends, adapters, heaps and types", function()
        local output = works {}
        assert.is_truthy(output:find("backend host\n", 1, true))
        for i, name in ipairs(fh.profiles()) do
            assert.is_truthy(output:find(("  adapter %d: %s ("):format(i - 1, name), 1, true))
        end
        for _, line in ipairs {
            "heap     size     budget  in use  is\n", "   0    8 GiB    6.4 GiB  ",
            "type  heap  is\n", "2     2  device_local host_visible host_coherent\n",
            "    queues 2, granularity 1 KiB, atom 64 B, at most ", "    can: budget ",
        } do
            assert.is_truthy(output:find(line, 1, true), line)
        end
    end)

    it("shows one backend, one adapter, one profile", function()
        local _, count = works({ "--backend", "host" }):gsub("\n  adapter ", "")
        assert.equal(#fh.profiles(), count)
        local output = works { "--adapter", "2" }
        assert.is_truthy(output:find("adapter 2: uma-16g (integrated)", 1, true))
        assert.is_nil(output:find("adapter 0", 1, true))
        output = works { "--profile", "mobile-4g" }
        assert.is_truthy(output:find("adapter 0: mobile-4g (integrated)", 1, true))
        assert.is_nil(output:find("adapter 1", 1, true))
    end)

    it("shows a profile that a file returns", function()
        local path = profile [[
            return {
                name = "mine", heaps = { { size = "1GiB", os_budget = "0.5GiB" } },
                types = { {}, { flags = "host_visible" } },
            }]]
        local output = works { "--profile", path }
        for _, line in ipairs {
            "adapter 0: mine (discrete)\n", "   0  1 GiB  512 MiB     0 B  -\n", "   0     0  -\n",
            "   1     0  host_visible\n",
        } do
            assert.is_truthy(output:find(line, 1, true), line .. output)
        end
    end)

    it("prints JSON", function()
        local dump = cjson.decode(works { "--json" })
        assert.equal(fh.version, dump.version)
        local host = dump.backends[1]
        assert.equal("host", host.name)
        assert.is_true(host.available)
        assert.equal(#fh.profiles(), #host.adapters)
        local adapter = host.adapters[1]
        assert.equal("discrete-8g", adapter.name)
        assert.equal(8 * fh.GiB, adapter.heaps[1].size)
        assert(adapter.heaps[1].budget > adapter.heaps[1].usage)
        assert.same({ "device_local", "host_visible", "host_coherent" }, adapter.types[3].flags)
        assert.equal(2, adapter.types[3].heap)
        local path = profile "return { heaps = { { size = 1024 } }, types = { {} } }"
        local output = works { "--json", "--profile", path }
        assert.is_truthy(output:find('"flags": []', 1, true))
    end)

    it("says what is unknown, and what there is", function()
        refuses(2, { "--backend", "hast" }, "no backend 'hast'", "It has 'host'")
        refuses(2, { "--adapter", "9" }, "no adapter 9", "There are " .. #fh.profiles())
        refuses(2, { "--adapter", "x" }, "'x' is no adapter")
        refuses(2, { "--adapter=-1" }, "'-1' is no adapter")
        refuses(2, { "--profile", "mobile" }, "no profile 'mobile'", "'mobile-4g'", ".lua")
        refuses(2, { "--profile", "uma-16g", "--backend", "vulkan" }, "profiles are of the backend")
        refuses(2, { "--bakend", "host" }, "unknown option '--bakend'", "freehold info --help")
    end)

    it("says what is wrong with a profile's file", function()
        refuses(1, { "--profile", folder .. "/none.lua" }, "cannot load the profile",
            "No such file")
        refuses(1, { "--profile", profile "return {" }, "cannot load the profile", "gpu.lua:1:")
        refuses(1, { "--profile", profile "error 'oops'" }, "failed: ", "gpu.lua:1: oops")
        refuses(2, { "--profile", profile "return 1" }, "returns no table", "fh.profile(")
        refuses(2, { "--profile", profile "return { heap = {} }" }, "unknown field 'heap'",
            "did you mean 'heaps'?")
        refuses(2, { "--profile", profile "return { heaps = {}, types = {} }" }, "0 heaps")
        refuses(2, { "--profile", profile "return { heaps = { { size = '1GB' } }, types = {} }" },
            "'1GB' is no size")
    end)

    it("helps", function()
        local output = works { "--help" }
        for _, part in ipairs { "Usage: freehold info", "--backend NAME", "--profile NAME|FILE.lua",
            "--adapter N", "--json", "heaps (physical memory" } do
            assert.is_truthy(output:find(part, 1, true), part)
        end
        assert.is_truthy(select(1, support.lua(quote(folder .. "/freehold.lua") .. " --help"))
            :find("show backends, adapters, and the memory they have", 1, true))
    end)

    it("notices that its output cannot be written", function()
        for _, words in ipairs { {}, { "--json" } } do
            local _, complaints, code = info(words, ">/dev/full")
            assert.equal(1, code)
            assert.equal("freehold: cannot write the output: No space left on device.\n",
                complaints)
        end
    end)

    it("shows a backend without a driver as not available", function()
        -- Such a one is put in front of the command, since every build has what it has.
        support.write(folder .. "/freehold.lua", [[
            local fh = require "freehold"
            local backends, adapters, device = fh.backends, fh.adapters, fh.device
            fh.backends = function()
                local list = backends()
                list[#list + 1] = "cardboard"
                return list
            end
            fh.adapters = function(options)
                if options.backend == "cardboard" then
                    return nil, "there is no driver", "unsupported"
                end
                return adapters(options)
            end
            fh.device = function(options)
                if options.adapter == 1 then
                    return nil, "it is in use", "busy"
                end
                return device(options)
            end
            os.exit(require("freehold.cli.main").main(arg), true)]])
        local output = works {}
        assert.is_truthy(output:find("backend cardboard\n  not available: there is no driver.\n",
            1, true))
        assert.is_truthy(output:find("its budgets are unknown: it is in use.\n", 1, true))
        local dump = cjson.decode(works { "--json" })
        assert.is_false(dump.backends[#dump.backends].available)
        assert.equal("there is no driver", dump.backends[#dump.backends].reason)
        assert.equal("it is in use", dump.backends[1].adapters[2].problem)
        refuses(1, { "--backend", "cardboard" }, "'cardboard' is not available",
            "there is no driver.")
    end)
end)
