-- The recording layer's map of handles, by a program of its own.

local support = require "tests.spec.support"

local quote = support.quote

describe("the layer's map of handles", function()
    it("agrees with a plain table", function()
        local root = quote(support.root)
        local folder = support.folder()
        local program = folder .. "/handle_map_host"
        if select(3, support.run("pkg-config --exists vulkan")) ~= 0 then
            pending("Vulkan's headers are not there")
            return
        end
        local _, complaints, code = support.run(table.concat({
            "unset LD_PRELOAD;", support.cc(), "-g -o", quote(program), "-I" .. root .. "/src",
            root .. "/tests/spec/handle_map_host.c", root .. "/src/layer/handle_map.c",
            quote(support.build .. "/libfreehold.a"), "-pthread -ldl",
        }, " "))
        assert.equal("", complaints)
        assert.equal(0, code)
        local output
        output, complaints, code = support.run_program(quote(program))
        support.remove(folder)
        assert.equal("", complaints)
        assert.equal("", output)
        assert.equal(0, code)
    end)
end)
