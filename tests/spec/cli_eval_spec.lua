-- `freehold eval`, run as a program under stock Lua.

local cjson = require "cjson"
local commands = require "tests.spec.command"
local support = require "tests.spec.support"

local quote = support.quote

local folder, program, policy

before_each(function()
    folder, program = commands.folder()
    policy = folder .. "/my.lua"
    support.write(policy, [[
        return {
            options = { limit = { type = "bytes", default = "512MiB" } },
            place = function(self, request)
                if request.kind == "texture" and request.size_min >= 16 * MiB then
                    return { memory = { "device", "host" }, dedicated = "prefer" }
                end
            end,
            limits = function(self, facts)
                return { total = self.options.limit, watermarks = { 0.5 } }
            end,
            relieve = function(self, request, facts)
                log("used %d", facts.used)
                return { "trim", { action = "evict", bytes = request.size } }
            end,
            frame = function(self, stats)
                self.state.count = (self.state.count or 0) + 1
                return { depth = self.state.count }
            end,
            evict = { "-age" },
            pressure = function() error("no \27pressure") end,
        }]])
end)

after_each(function()
    support.remove(folder)
end)

local contains = commands.contains

local function eval(list)
    return support.lua(("%s eval %s"):format(quote(program), commands.words(list)))
end

local works, refuses = commands.expectations(eval)

describe("freehold eval", function()
    it("prints the decision as a Lua table", function()
        assert.equal('{ dedicated = "prefer", memory = { "device", "upload" } }\n',
            works { policy, 'place{kind="texture", size="20MiB"}' })
        assert.equal("nil (the native rule decides)\n",
            works { policy, 'place{kind="texture", size="1MiB"}' })
        assert.equal("nil (the native rule decides)\n", works { policy, "retain{}" })
        assert.equal("{ total = 536870912, watermarks = { 0.5 } }\n",
            works { policy, "limits{}" })
    end)

    it("takes what is asked as the calls of a device do", function()
        support.write(policy, [[
            return { place = function(self, request)
                return { deny = request.usage.storage and request.usage.copy_dst and true }
            end }]])
        assert.equal("{ deny = true }\n{}\n", works { policy,
            'place{usage="storage|copy_dst"} place{usage={"storage"}, kind="buffer"}' })
        refuses(2, { policy, 'place{usage="storage|copy_dest"}' }, "copy_dest", "copy_dst")
    end)

    it("asks several things in order, of one policy", function()
        assert.equal("{ depth = 1 }\n{ depth = 2 }\n{ depth = 3 }\n",
            works { policy, "frame{}; frame{}", "frame{tick_ns=1}" })
        assert.equal("{ depth = 8 }\n", works { policy, "set_state{count=7}", "frame{}" })
    end)

    it("sets options and facts", function()
        local output = works { policy, "limits{}", 'set("limit", "1GiB")', "limits{}",
            "--set", "limit=64MiB" }
        assert.equal("{ total = 67108864, watermarks = { 0.5 } }\n"
            .. "{ total = 1073741824, watermarks = { 0.5 } }\n", output)
        contains(works { policy, 'facts{used="3GiB"}', 'relieve{size=5}', "--explain" },
            "log: used 3221225472")
    end)

    it("orders candidates", function()
        assert.equal("{ 2, 3, 1 }\n", works { policy,
            'evict{candidates={ {age=1}, {age=9}, {age=5} }}' })
    end)

    it("explains", function()
        local output = works { policy, "--explain", 'place{kind="texture", size=20*MiB}' }
        assert.matches('^{ dedicated = "prefer", .* }  %-%- line 5, %d+ units\n$', output)
        -- Only verdicts are cached, and those that say how long.
        output = works { policy, "--explain", "relieve{size=5}" }
        contains(output, "log: used")
        assert.is_nil(output:find("cached", 1, true))
        support.write(policy, [[return {
            place = function(self, request)
                return { priority = 0.5, keep = request.size > 5 and "reload" or nil }
            end,
        }]])
        output = works { policy, "--explain", "place{size=5}", "place{size=6}" }
        contains(output, "units, not cached: it reads size\n")
        assert.matches("units\n$", output)
    end)

    it("prints JSON, one object a line", function()
        local output = works { policy, "--json", 'place{kind="texture", size="20MiB"}', "retain{}",
            "relieve{size=5}" }
        local lines = {}
        for line in output:gmatch("([^\n]*)\n") do
            lines[#lines + 1] = cjson.decode(line)
        end
        assert.equal("place", lines[1].hook)
        assert.same({ "device", "upload" }, lines[1].decision.memory)
        assert.equal(5, lines[1].line)
        assert.equal("decided", lines[1].outcome)
        assert(lines[1].charge > 0)
        assert.equal(cjson.null, lines[2].decision)
        assert.equal("nothing", lines[2].outcome)
        assert.same({ "used 0" }, lines[3].log)
        assert.equal(3, #lines)
    end)

    it("ends with 1 when the hook fails, or the policy is no policy", function()
        refuses(1, { policy, "pressure{}" }, "my.lua:20: no ?pressure")
        refuses(1, { folder .. "/none.lua", "place{}" }, "none.lua")
        support.write(policy, "return { place = 1 }")
        refuses(1, { policy, "place{}" }, "my.lua", "place")
    end)

    it("ends with 2 when it is asked wrongly, and says what would be right", function()
        refuses(2, { policy }, "missing argument 'call'", "freehold eval --help")
        refuses(2, { policy, "place{" }, "'place{' is no call", 'place{kind="texture"')
        refuses(2, { policy, "plase{}" }, "plase{}: there is no 'plase' here.",
            "Did you mean 'place'?")
        refuses(2, { policy, "place{siez=1}" }, "siez", "size")
        refuses(2, { policy, 'place{kind="textur"}' }, "textur", "texture")
        refuses(2, { policy, "evict{}" }, "evict{}: field 'candidates': table expected, got nil.")
        refuses(2, { policy, "os.exit()" }, "there is no 'os' here.")
        refuses(2, { policy, "place{}", "--set", "limmit=1" }, "limmit")
        refuses(2, { policy, 'set("limit", "lots")' }, "limit")
    end)

    it("teaches by examples", function()
        contains(works { "--help" }, "Examples:",
            [[freehold eval budget 'place{kind="texture", size="20MiB"}']])
    end)
end)
