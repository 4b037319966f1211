-- `freehold check`, run as a program under stock Lua.

local commands = require "tests.spec.command"
local support = require "tests.spec.support"

local quote = support.quote

local folder, program

before_each(function()
    folder, program = commands.folder()
end)

after_each(function()
    support.remove(folder)
end)

local contains = commands.contains

local function check(list)
    return support.lua(("%s check %s"):format(quote(program), commands.words(list)))
end

local works, refuses = commands.expectations(check)

local function write(text)
    local path = folder .. "/my.lua"
    support.write(path, text)
    return path
end

-- The row of the table that is about a hook: tries, decisions, whether it failed, its charge.
local function row(output, hook)
    local tries, decided, failed, charge =
        output:match("\n  " .. hook .. " +(%d+) +(%d+) +(%S+) +(%d+)\n")
    assert(tries, ("no row of %s in %q"):format(hook, output))
    return { tries = tonumber(tries), decided = tonumber(decided), failed = failed ~= "-",
        charge = tonumber(charge) }
end

describe("freehold check", function()
    it("tries every hook, and shows what it costs", function()
        local output = works { write [[
            return {
                name = "mine",
                options = { limit = { type = "bytes", default = "512MiB", doc = "hard cap" } },
                place = function(self, request)
                    if request.kind == "texture" then
                        return { dedicated = "prefer" }
                    end
                end,
                relieve = function(self, request) return { "trim", "spill" } end,
                limits = function(self) return { total = self.options.limit } end,
                frame = function(self, stats)
                    self.state.frames = (self.state.frames or 0) + 1
                end,
                pressure = function(self, event) return { trim = event.up } end,
                retain = function(self, block) return block.over and 0 or 64 end,
                recycle = function(self, pool) return { keep_bytes = pool.bytes } end,
                evict = function(self, candidate) return -candidate.age end,
                alias = function(self, graph) return { strategy = "greedy" } end,
                defrag = function(self, block) return { allow = true } end,
                migrate = function(self, old) return old end,
            }]] }
        contains(output, "my.lua: policy mine\n", "option limit = 512 MiB  (hard cap)",
            "It is fine.")
        for hook, decides in pairs {
            place = true, relieve = true, limits = true, frame = false, pressure = true,
            retain = true, recycle = true, evict = true, alias = true, defrag = true,
        } do
            local one = row(output, hook)
            assert(one.tries >= 3, hook)
            assert(decides and one.decided > 0 or not decides and one.decided == 0, hook)
            assert.is_false(one.failed)
            assert(one.charge > 0, hook)
        end
        local place = row(output, "place")
        assert(place.decided < place.tries)
        assert(row(output, "migrate").tries >= 1)
        assert.is_nil(output:find("uncached", 1, true))
    end)

    it("says which verdicts cannot be cached, and why", function()
        local output = works { write [[
            return { place = function(self, request)
                if request.width > 2000 then
                    return { priority = 1 }
                end
            end }]] }
        contains(output, "uncached: place reads 'width', so it is asked for each request; ",
            "class facts (kind, ")
        output = works { write [[
            return { place = function(self, request)
                return { keep = "frame", priority = request.size > 1000 and 1 or 0 }
            end }]] }
        assert.is_nil(output:find("uncached", 1, true))
        output = works { write [[
            return { place = function(self, request)
                return request.size > 1000 and { priority = 1 } or nil
            end }]] }
        contains(output, "reads 'size', ", "; size_min and size_max are class facts.")
        output = works { write [[
            return {
                frame = function(self) self.state.calm = true end,
                place = function(self, request, facts)
                    if self.state.calm then
                        return { deny = facts.used > 1 << 30 }
                    end
                end,
            }]] }
        contains(output, "reads 'self.state', ")
    end)

    it("explains each try", function()
        local output = works { "--explain", write [[
            return { place = function(self, request)
                log("asked for %s", request.kind)
                return { memory = { "device", "host" } }
            end }]] }
        contains(output, "  place({ ", 'kind = "texture"', '{ memory = { "device", "upload" }',
            "  -- line 3, ", " units", "log: asked for buffer")
    end)

    it("shows notes", function()
        contains(works { write "return { alias = function() end }" }, "  note: ", "alias")
    end)

    it("sets options, and looks at other devices", function()
        local path = write [[
            return {
                options = { limit = { type = "bytes", default = "1GiB" } },
                limits = function(self, facts)
                    return { total = self.options.limit + #facts.heaps }
                end,
            }]]
        contains(works { path, "--explain" }, ("{ total = %d }"):format((1 << 30) + 3))
        contains(works { path, "--explain", "--set", "limit=64MiB", "--profile", "uma-16g" },
            ("{ total = %d }"):format((64 << 20) + 1))
        refuses(2, { path, "--set", "limmit=1" }, "limmit")
        refuses(2, { path, "--set", "limit=lots" }, "limit")
        refuses(2, { path, "--profile", "no" }, "there is no profile 'no'")
    end)

    it("does not wait for a pipe, whatever that is called", function()
        local command = ("cd %s && mkdir in && cd in && mkfifo pipe && %s timeout 20 lua5.4"
            .. " ../freehold.lua check pipe"):format(quote(folder), support.environment())
        local _, complaints, code = support.run(command)
        assert.equal("freehold: pipe: it is a pipe\n", complaints)
        assert.equal(1, code)
    end)

    it("ends with 1, file and line, when the contract is broken", function()
        refuses(1, { write "return {\nplase = function() end }" }, "my.lua", "plase",
            "did you mean 'place'")
        refuses(1, { write "return {\n\n!" }, "my.lua:3: ")
        refuses(1, { write "return 1" }, "my.lua")
        refuses(1, { write "local x = nil\nx.y = 1" }, "my.lua:2: ")
        refuses(1, { folder .. "/none.lua" }, "none.lua")
        refuses(1, { folder }, folder)
    end)

    it("ends with 1, file and line, when a hook fails", function()
        local output = refuses(1, { write [[
            return {
                place = function() return { dedicated = "sometimes" } end,
                retain = function(self, block)
                    return block.heap.nothing
                end,
                limits = function() return { total = "1GiB" } end,
            }]] }, "my.lua:2: ", "dedicated", "my.lua:4: ")
        assert.is_true(row(output, "place").failed)
        assert.is_true(row(output, "retain").failed)
        assert.is_false(row(output, "limits").failed)
        assert.is_nil(output:find("It is fine", 1, true))
    end)

    it("ends a hook that does not", function()
        refuses(1, { write "return {\nframe = function()\nwhile true do end end }" },
            "my.lua:3: ")
    end)

    it("takes several", function()
        local good = folder .. "/good.lua"
        support.write(good, "return { name = 'good' }")
        contains(works { good, "budget" }, "good.lua: policy good", "policy budget\n")
        local output = refuses(1, { write "return {", good }, "my.lua:1: ")
        contains(output, "policy good")
    end)

    it("is content with every policy that comes along", function()
        for _, name in ipairs(require("freehold.cli.scripts").names "policies") do
            contains(works { name }, "It is fine.")
        end
    end)

    it("prints nothing that steers a terminal", function()
        local path = write [[
            return {
                options = { x = { type = "text", default = "text" } },
                retain = function() log("\27[2J\u{202E}\u{9B}5m"); return 1 end,
                alias = function() return { strategy = "\u{202E}\27]0;x\7" } end,
                place = function() log("\27[2J"); error("\27[5m\nsecond") end,
                limits = function() error("\xFF\0\27") end,
            }]]
        local output, complaints, code = check { path, "--explain" }
        assert.equal(1, code)
        for _, text in ipairs { output, complaints } do
            assert.is_nil(text:find("[\0-\9\11-\31\127]"))
            assert(utf8.len(text))
            assert.is_nil(text:find("\u{9B}", 1, true))
            assert.is_nil(text:find("\u{202E}", 1, true))
        end
        contains(complaints, "my.lua:5: ?[5m")
        contains(output, "log: ?[2J")
    end)

    it("says what is wrong with the command line", function()
        refuses(2, {}, "policy", "freehold check --help")
        contains(works { "--help" }, "Examples:", "freehold check my.lua --explain")
    end)
end)
