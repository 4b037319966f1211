-- `freehold export` and `freehold import`, run as programs under stock Lua.

local cjson = require "cjson"
local chrome_trace = require "tests.spec.chrome_trace"
local commands = require "tests.spec.command"
local dump_schema = require "tests.spec.dump_schema"
local random_trace = require "tests.spec.random_trace"
local support = require "tests.spec.support"

local quote, contains = support.quote, commands.contains

local folder, program

before_each(function()
    folder, program = commands.folder()
end)

after_each(function()
    support.remove(folder)
end)

local function run(list, after)
    return support.lua(("%s %s %s"):format(quote(program), commands.words(list), after or ""))
end

local works, complains = commands.expectations(run)

-- And prints nothing.
local function refuses(...)
    assert.equal("", complains(...))
end

local function path_of(name)
    return folder .. "/" .. name
end

local function write(name, text)
    support.write(path_of(name), text)
    return path_of(name)
end

local function trace(options)
    options = options or {}
    options.seed, options.frames = 7, "presents"
    return random_trace.make(path_of("a.fhtrace"), options)
end

local RMM = "Thread,Time,Action,Pointer,Size,Stream\n1,00:00:01.000000,allocate,0x1,4096,0\n"
    .. "1,00:00:02.000000,free,0x1,4096,0\n"

describe("freehold export", function()
    it("prints, or writes a file", function()
        local path = trace().path
        chrome_trace.check(works { "export", path, "--to", "chrome" })
        assert.equal("", works { "export", path, "--to", "chrome", "-o", path_of("out.json") })
        chrome_trace.check(support.read(path_of("out.json")))
        dump_schema.check(cjson.decode(works { "export", path, "--to", "gpumemdump" }))
        dump_schema.check(cjson.decode(works { "export", path, "--to", "gpumemdump", "--frame",
            "2", "--device", "1" }))
        contains(works { "export", path, "--to", "rmm", "--what", "memories" },
            "Thread,Time,Action,Pointer,Size,Stream\n", ",allocate,0x")
        contains(works { "export", path, "--to", "json" }, '"event":"device"')
    end)

    it("takes frames from one on, up to one, or one", function()
        local path = trace { steps = 600 }.path
        local function frames(range)
            local numbers = {}
            for _, event in ipairs(chrome_trace.check(works { "export", path, "--to", "chrome",
                "--frames", range }))
            do
                if event.cat == "frame" then
                    numbers[#numbers + 1] = event.name
                end
            end
            return numbers
        end
        assert.same({ "frame 1", "frame 2" }, frames "..2")
        assert.same({ "frame 4" }, frames "4")
        assert.same({ "frame 3", "frame 4" }, frames "3..4")
        assert.equal("frame 5", frames "5.."[1])
    end)

    it("puts the capacity into the name of a MiniMalloc CSV", function()
        local model = trace()
        local peak = model.peaks[1].reserved
        local output = works { "export", model.path, "--to", "minimalloc", "-o",
            path_of("plan.csv") }
        contains(output, ("%s: %d buffers, capacity "):format(path_of("plan." .. peak .. ".csv"),
            #model.resource))
        assert.is_nil(io.open(path_of("plan.csv"), "rb"))
        contains(support.read(path_of("plan." .. peak .. ".csv")), "id,lower,upper,size")
        works { "export", model.path, "--to", "minimalloc", "-o", path_of("x.99.csv") }
        contains(support.read(path_of("x.99.csv")), "id,lower,upper,size")
        contains(works { "export", model.path, "--to", "minimalloc", "--by", "frames", "--frames",
            "2..3", "--type", "0" }, "id,lower,upper,size")
    end)

    it("exports what is before the damage, and says that it is not all", function()
        local model = trace { steps = 3000 }
        local bytes = support.read(model.path)
        support.write(model.path, bytes:sub(1, #bytes - 300))
        local output = complains(0, { "export", model.path, "--to", "chrome" },
            "freehold: " .. model.path .. ": ", "What is before that was exported.")
        chrome_trace.check(output)
        complains(0, { "export", model.path, "--to", "chrome", "-o", path_of("b.json") },
            "What is before that was exported.")
        assert.equal(output, support.read(path_of("b.json")))
    end)

    it("says what is wrong with what it was asked for", function()
        local path = trace { devices = 2 }.path
        refuses(2, { "export", path, "--to", "chrom" }, "chrome", "--to")
        refuses(2, { "export", path }, "--to")
        refuses(2, { "export", path, "--to", "chrome", "--frame", "3" }, "--frames A..B")
        refuses(2, { "export", path, "--to", "gpumemdump", "--frames", "1..3" }, "--frame N")
        refuses(2, { "export", path, "--to", "chrome", "--what", "memories" }, "--what is for")
        refuses(2, { "export", path, "--to", "rmm", "--by", "time" }, "--by is for")
        refuses(2, { "export", path, "--to", "rmm", "--type", "1" }, "--type is for")
        refuses(2, { "export", path, "--to", "rmm", "--frames", "3..1" }, "such as 1..100")
        refuses(2, { "export", path, "--to", "rmm", "--frames", ".." }, "'..' are no frames")
        refuses(2, { "export", path, "--to", "rmm", "--device", "x" }, "'x' is no number")
        refuses(2, { "export", path, "--to", "rmm", "--device", "5" }, "no device 5", "1 (card")
        refuses(2, { "export", path, "--to", "gpumemdump", "--frame", "99999" },
            "no frame 99999: device", "of them (by ")
        support.run(("ln -s %s %s"):format(quote(path), quote(path_of("link"))))
        for _, same in ipairs { path, path_of("./a.fhtrace"), path_of("link") } do
            refuses(2, { "export", path, "--to", "rmm", "-o", same }, "the trace itself")
        end
        refuses(2, { "export", path, "--to", "rmm", "--device", "5", "-o", path_of("x") },
            "no device")
        assert.is_nil(io.open(path_of("x"), "rb"))
        contains(support.read(path), "FHTR")
    end)

    it("says what is wrong with files", function()
        local path = trace().path
        refuses(1, { "export", path_of("none"), "--to", "chrome" }, "none: ", "no such file")
        refuses(1, { "export", write("a.csv", RMM), "--to", "chrome" }, "is no trace, but a log of",
            "freehold import ")
        refuses(1, { "export", write("b", "hello"), "--to", "chrome" }, "neither a trace nor")
        refuses(1, { "export", write("c", ""), "--to", "chrome" }, "is empty")
        refuses(1, { "export", path, "--to", "chrome", "-o", path_of("no/where.json") },
            "cannot write", "folder")
        refuses(1, { "export", path, "--to", "chrome", "-o", "/dev/full" }, "cannot write",
            "No space left")
        local _, complaints, code = run({ "export", path, "--to", "chrome" }, ">/dev/full")
        assert.equal(1, code)
        contains(complaints, "cannot write the output")
    end)

    it("teaches", function()
        contains(works { "export", "--help" }, "chrome ", "gpumemdump ", "minimalloc ", "rmm ",
            "ui.perfetto.dev", "A frame ends at a present", "cut off or damaged", "--device",
            "Exit codes: 0 done, also up to such damage")
    end)
end)

describe("freehold import", function()
    it("writes a trace beside the log, or where it is told to", function()
        local log = write("log.dev0.csv", RMM)
        assert.equal(path_of("log.dev0.fhtrace") .. ": 1 resource, peak 4 KiB, 11 events\n",
            works { "import", log })
        contains(works { "export", path_of("log.dev0.fhtrace"), "--to", "rmm" },
            "\n1,00:00:01.000000,free,", ",4096,0x0\n")
        refuses(2, { "import", log }, "log.dev0.fhtrace is there already", "-o")
        works { "import", log, "-o", path_of("log.dev0.fhtrace") }
        works { "import", log, "--from", "rmm", "-o", path_of("b.fhtrace") }
        assert.equal(support.read(path_of("b.fhtrace")), support.read(path_of("log.dev0.fhtrace")))
    end)

    it("leaves out lines that it cannot read, and says that it is not all", function()
        local log = write("a.csv", RMM .. "x\n" .. ("y\27[31m\n"):rep(20) .. "1,2:3,free,0x1,4,0\n")
        local output, complaints, code = run { "import", log }
        contains(output, "1 resource,")
        assert.equal(1, code)
        contains(complaints, "a.csv: line 4: it is no row of Thread,", "and 17 more remarks",
            "22 lines could not be read")
        assert.is_nil(complaints:find("\27", 1, true))
        contains(works { "export", path_of("a.fhtrace"), "--to", "json" }, '"topic":"problem"')
    end)

    it("says what is wrong", function()
        refuses(1, { "import", path_of("none.csv") }, "none.csv: ", "no such file")
        refuses(1, { "import", write("e.csv", "") }, "e.csv", "is empty")
        refuses(1, { "import", write("x.csv", "hello\n") }, "neither a trace nor a log", "rmm, vma")
        refuses(1, { "import", write("h.csv", RMM:match("[^\n]*\n")) }, "no allocation")
        refuses(1, { "import", write("p.csv", RMM), "--from", "minimalloc" },
            "line 1 is no heading")
        refuses(2, { "import", path_of("p.csv"), "--from", "tracy" }, "--from", "minimalloc")
        support.run(("ln %s %s"):format(quote(path_of("p.csv")), quote(path_of("hard.csv"))))
        for _, same in ipairs { path_of("p.csv"), path_of("./p.csv"), path_of("hard.csv") } do
            refuses(2, { "import", path_of("p.csv"), "-o", same }, "the log itself")
        end
        support.run("mkfifo " .. quote(path_of("pipe")))
        for _, list in ipairs {
            { "import", path_of("pipe") }, { "import", path_of("pipe"), "--from", "rmm" },
            { "export", path_of("pipe"), "--to", "json" },
        } do
            local _, complaints, code = support.run(("timeout 20 env %s lua5.4 %s %s"):format(
                support.environment(), quote(program), commands.words(list)))
            contains(complaints, "/pipe: it cannot be read: it is a pipe.")
            assert.equal(1, code)
        end
        refuses(1, { "import", path_of("p.csv"), "-o", path_of("no/where.fhtrace") },
            "where.fhtrace")
        refuses(1, { "import", trace().path, "-o", path_of("b.fhtrace") },
            "this is a trace already")
        assert.equal(RMM, support.read(path_of("p.csv")))
        assert.is_nil(io.open(path_of("e.fhtrace"), "rb"))
    end)

    it("teaches", function()
        contains(works { "import", "--help" }, "rmm ", "minimalloc ", "vma ", "beside it",
            "freehold replay", "left out")
    end)
end)
