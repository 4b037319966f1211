-- Memory that runs out under the binding: memory_host.c says how.

local support = require "tests.spec.support"

local quote = support.quote

describe("the binding", function()
    local folder, program

    setup(function()
        folder = support.folder()
        program = folder .. "/memory_host"
        local _, complaints, code = support.run(table.concat({
            "unset LD_PRELOAD; cd", quote(support.root), "&&", support.cc(), "-g -Isrc",
            "$(pkg-config --cflags lua5.4) tests/spec/memory_host.c src/binding/*.c",
            quote(support.build .. "/libfreehold_script.a"),
            quote(support.build .. "/libfreehold.a"),
            "-Wl,--wrap=malloc,--wrap=aligned_alloc -llua5.4 -lzstd -lm -pthread",
            "-o", quote(program),
        }, " "))
        assert.equal("", complaints)
        assert.equal(0, code)
    end)

    teardown(function()
        support.remove(folder)
    end)

    for scenario, title in pairs {
        memory_scenario = "blocks", memory_device_scenario = "devices",
        memory_replay_scenario = "traces and replays",
    } do
        it("leaves " .. title .. " in order when memory runs out", function()
            local output, complaints, code = support.run_program(
                ("%s %s"):format(quote(program),
                    quote(("%s/tests/spec/%s.lua"):format(support.root, scenario))))
            assert.equal("", complaints)
            assert.equal(0, code)
            local lua_failures, core_failures = output:match("^(%d+) (%d+)\n$")
            assert(tonumber(lua_failures) > 100, output)
            assert(tonumber(core_failures) > 2, output)
        end)
    end
end)
