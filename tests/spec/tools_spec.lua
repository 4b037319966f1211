-- What the tools and the benchmark say of themselves, and of a command line that makes no sense.

local support = require "tests.spec.support"

local quote = support.quote

describe("the tools", function()
    it("answer --help", function()
        local names = support.run("cd " .. quote(support.root) .. "/tools && find . -type f")
        local count = 0
        for name in names:gmatch("%./([^/\n]+)\n") do
            if not name:find("^lib%.") then
                local start = name:find("%.lua$") and "lua5.4 " or ""
                local path = support.root .. "/tools/" .. name
                local output, complaints, code = support.run(start .. quote(path) .. " --help")
                assert.equal("", complaints, name)
                assert.equal(0, code, name)
                -- The first sentence of the comment at the head.
                local comment = support.read(path):match("^#!.-\n[#-]+ (.-)\n")
                    or support.read(path):match("^%-%- (.-)\n")
                assert.equal(comment, output:match("^(.-)\n"), name)
                count = count + 1
            end
        end
        assert(count > 5)
    end)
end)

describe("the benchmark", function()
    local program = quote(support.build .. "/bench_block")

    local function bench(arguments)
        return support.run_program(program .. " " .. arguments)
    end

    it("refuses names that it does not know, and says which there are", function()
        for arguments, parts in pairs {
            ["--workload W9"] = { "--workload: 'W9'", "W1a, W1b,", "W7." },
            ["--workload W2,W9,W3"] = { "'W9'" },
            ["--workload W2,"] = { "''" },
            ["--target nosuch"] = { "--target: 'nosuch'", "freehold-balanced, ", "libc" },
            ["--quick --target libc,nosuch --workload W2"] = { "'nosuch'" },
        } do
            local output, complaints, code = bench(arguments)
            assert.equal("", output)
            assert.equal(1, code)
            for _, part in ipairs(parts) do
                assert.is_truthy(complaints:find(part, 1, true), arguments .. ": " .. complaints)
            end
        end
    end)

    it("fails when there is nothing to measure", function()
        local output, complaints, code = bench("--quick --workload W5a --target freehold-linear")
        assert.equal("", output)
        assert.matches("nothing was measured", complaints)
        assert.equal(1, code)
    end)

    it("notices that its output cannot be written", function()
        for _, arguments in ipairs {
            "--help", "--quick --runs 1 --workload W2 --target freehold-linear",
        } do
            local _, complaints, code = bench(arguments .. " >/dev/full")
            assert.equal("bench: the output could not be written\n", complaints)
            assert.equal(1, code)
        end
    end)

    it("measures what it is asked to", function()
        local output, complaints, code =
            bench("--quick --runs 1 --workload W2 --target freehold-linear")
        assert.equal("", complaints)
        assert.equal(0, code)
        assert.matches("\n  freehold%-linear +|", output)
    end)
end)

describe("the benchmark of devices", function()
    local program = quote(support.build .. "/bench_device")

    local function bench(arguments)
        return support.run_program(program .. " " .. arguments)
    end

    it("refuses names that it does not know, and says which there are", function()
        for arguments, parts in pairs {
            ["--figure nosuch"] = { "--figure: 'nosuch'", "pairs, threads, ", "alias, " },
            ["--target libc"] = { "--target: 'libc'", "range, object, device, " },
            ["--space"] = { "--space: unknown" },
        } do
            local output, complaints, code = bench(arguments)
            assert.equal("", output)
            assert.equal(1, code)
            for _, part in ipairs(parts) do
                assert.is_truthy(complaints:find(part, 1, true), arguments .. ": " .. complaints)
            end
        end
    end)

    it("measures what it is asked to, and writes it as JSON", function()
        local folder = support.folder()
        local path = folder .. "/bench.json"
        local output, complaints, code = bench("--quick --runs 1 --workload D1 --figure pairs,calls"
            .. " --target range,object,device --json " .. quote(path))
        local json = require("cjson").decode(support.read(path))
        support.remove(folder)
        assert.equal("", complaints)
        assert.equal(0, code)
        assert.matches("\n  device +|", output)
        assert.equal(3, #json.results)
        assert.is_true(json.results[3].ratio_to_asked > 0)
        assert.is_true(json.calls[1].time.median > 0)
    end)
end)
