-- Callbacks in Lua of a device that other OS threads use, too: thread_host.c says how.

local support = require "tests.spec.support"

local quote = support.quote

describe("a device that other threads use", function()
    it("runs Lua on the thread of Lua alone", function()
        local folder = support.folder()
        local program = folder .. "/thread_host"
        local _, complaints, code = support.run(table.concat({
            "unset LD_PRELOAD; cd", quote(support.root), "&&", support.cc(), "-g -Isrc",
            "$(pkg-config --cflags lua5.4) tests/spec/thread_host.c src/binding/*.c",
            quote(support.build .. "/libfreehold_script.a"),
            quote(support.build .. "/libfreehold.a"), "-llua5.4 -lzstd -lm -pthread -o",
            quote(program),
        }, " "))
        assert.equal("", complaints)
        assert.equal(0, code)
        local output
        output, complaints, code = support.run_program(
            quote(program) .. " " .. quote(support.root .. "/tests/spec/thread_scenario.lua"))
        support.remove(folder)
        assert.equal("", complaints)
        assert.equal("", output)
        assert.equal(0, code)
    end)
end)
