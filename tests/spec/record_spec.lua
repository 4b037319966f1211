-- `freehold record`, and the Vulkan layer that it sets up: programs of tests/layer are run with it
-- and without, on Mesa's software driver, and what was recorded is read.

local commands = require "tests.spec.command"
local support = require "tests.spec.support"
local fh = require "freehold"

local quote, words, contains = support.quote, commands.words, commands.contains

local layer = support.build .. "/libVkLayer_freehold.so"
local driver = support.run("ls /usr/share/vulkan/icd.d/lvp_icd*.json /usr/local/share/vulkan/icd.d/"
    .. "lvp_icd*.json 2>/dev/null | head -1"):gsub("\n", "")
local has_validation = select(3, support.run(
    "test -f /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json")) == 0

-- Why there is nothing to record with, or nothing to record; nil: there is.
local function missing(needs_driver)
    if select(3, support.run("test -f " .. quote(layer))) ~= 0 then
        return "the recording layer was not built: Vulkan's headers are not there"
    elseif needs_driver and driver == "" then
        return "Mesa's software driver for Vulkan is not there"
    end
end

-- Compiled once, for all tests.
local programs = support.folder()

local function compile(name, files)
    local path = programs .. "/" .. name
    if select(3, support.run("test -x " .. quote(path))) ~= 0 then
        local _, complaints, code = support.run(table.concat({
            "unset LD_PRELOAD; cd", quote(support.root .. "/tests/layer"), "&&", support.cc(),
            "-g -o", quote(path), files, "$(pkg-config --cflags --libs vulkan) -pthread -ldl",
        }, " "))
        assert.equal("", complaints)
        assert.equal(0, code)
    end
    return path
end

lazy_teardown(function()
    support.remove(programs)
end)

-- All events of a trace, those of one kind by all.KIND, and what is known of the file.
local function read(path)
    local reader <close> = assert(fh.trace_reader(path))
    local all = setmetatable({}, {
        __index = function(self, kind)
            if math.type(kind) then
                return nil -- past the last
            end
            local some = {}
            for _, event in ipairs(self) do
                if event.kind == kind then
                    some[#some + 1] = event
                end
            end
            self[kind] = some
            return some
        end,
    })
    for event in reader:events() do
        all[#all + 1] = event
    end
    return all, reader:info()
end

-- That `event` has these fields.
local function has(event, fields)
    for name, value in pairs(fields) do
        assert.equal(value, event[name], ("%s of %s"):format(name, event.kind))
    end
end

describe("freehold record", function()
    local home, folder, command, program, environment, trace

    before_each(function()
        home, command = commands.folder()
        folder = home .. "/work" -- without the command, which Lua would find there as a module
        support.run("mkdir " .. quote(folder))
        trace = folder .. "/run.fhtrace"
        environment = ("cd %s; export VK_DRIVER_FILES=%s VK_ICD_FILENAMES=%s XDG_CACHE_HOME=%s "
            .. "MESA_SHADER_CACHE_DISABLE=1; unset VK_INSTANCE_LAYERS VK_LAYER_PATH "
            .. "VK_ADD_LAYER_PATH; "):format(quote(folder), quote(driver), quote(driver),
            quote(folder .. "/cache"))
    end)

    after_each(function()
        support.remove(home)
    end)

    local function compile_program()
        program = compile("vulkan_program", "gpu.c scene_memory.c scene_work.c vulkan_program.c")
    end

    -- Runs the program as it is.
    local function run_bare(list, before)
        return support.run_program(environment .. (before or "") .. quote(program) .. " "
            .. words(list))
    end

    -- Runs the command with these arguments.
    local function run(list, before)
        return support.run(environment .. (before or "") .. support.environment() .. "lua5.4 "
            .. quote(command) .. " record " .. words(list))
    end

    -- Records the program with these words; returns what it printed, what the command said, the
    -- exit code.
    local function record(list, before)
        return run({ "-o", trace, program, table.unpack(list) }, before)
    end

    -- The same when all goes well; returns the events.
    local function recorded(list, before)
        local _, said, code = record(list, before)
        contains(said, "freehold: recorded ", "into " .. trace,
            "\nfreehold: next: freehold replay " .. trace .. "\n")
        assert.equal(0, code)
        local events, info = read(trace)
        assert.equal("", info.damage)
        assert.is_true(info.complete)
        assert.equal(0, info.dropped_count)
        return events, said
    end

    local why = missing(true)
    if why then
        pending("runs programs: " .. why)
    else
        setup(compile_program)

        it("records memory and what lies in it", function()
            local all = recorded { "memory" }
            assert.equal(1, #all.device)
            has(all.device[1], { device = 1, api = 2, adapter_kind = 2 })
            contains(all.device[1].text, "llvmpipe")
            assert.equal(2 * (all.device[1].heap_count + all.device[1].type_count),
                #all.device[1].list)
            has(all.queue[1], { queue = 1, device = 1, family = 0 })

            assert.equal(4, #all.resource)
            for i = 1, 3 do
                has(all.resource[i], { resource = i, device = 1, parcel_kind = 0, size = 1000,
                    usage = 1 << 1 | 1 << 2, native_usage = 0x82, flags = 0 })
                assert.is_true(all.resource[i].needs_size >= 1000)
                assert.is_true(all.resource[i].needs_types ~= 0)
            end
            has(all.resource[4], { resource = 4, parcel_kind = 1, width = 128, height = 64,
                depth = 1, layers = 3, mips = 8, samples = 1, native_format = 146, size = 0 })
            assert.is_true(all.resource[4].needs_size >= 128 * 64 * 3)

            has(all.memory[1], { memory = 1, device = 1, dedicated = 0, flags = 0,
                priority_ppm = 500000 })
            assert.equal(65536 + all.resource[4].needs_size, all.memory[1].size)
            has(all.memory[2], { memory = 2, dedicated = 3 })
            has(all.bound[1], { resource = 1, memory = 1, offset = 0 })
            has(all.bound[2], { resource = 2, memory = 1, offset = 4096,
                size = all.resource[2].needs_size })
            has(all.bound[3], { resource = 4, memory = 1, offset = 65536 })
            has(all.bound[4], { resource = 3, memory = 2, offset = 0 })
            has(all.mapped[1], { memory = 1, offset = 4096, size = 1000, resource = 0 })
            has(all.unmapped[1], { memory = 1 })
            has(all.named[1], { noun = 2, id = 1, text = "shared memory" })
            has(all.named[2], { noun = 1, id = 1, text = "the first buffer" })
            has(all.named[3], { noun = 1, id = 4, text = "the image" })
            assert.equal(4, #all.destroyed)
            assert.equal(2, #all.memory_freed)
            has(all[#all], { kind = "device_closed", device = 1 })
        end)

        it("records which resources each submit uses, and what the program saw done", function()
            local all = recorded { "compute", "secondary", "render", "transfer", "alias" }
            local uses = {}
            for i, submit in ipairs(all.submit) do
                has(submit, { queue = 1, value = i, batches = 1, commands = 1 })
                table.sort(submit.list)
                uses[i] = table.concat(submit.list, " ")
                has(all.passed[i], { queue = 1, value = i })
            end
            assert.same({ "1 2", "3 4", "5 6 7 8", "9 10 11 12", "13 14 15" }, uses)
            has(all.mapped[1], { memory = 1, offset = 0, size = all.memory[1].size })
        end)

        it("records timelines, addresses and refusals", function()
            local all = recorded { "timeline", "address", "refused" }
            has(all.passed[1], { queue = 1, value = 1 })
            local buffer = all.resource[#all.resource]
            has(buffer, { size = 512, flags = 32, usage = 1 << 5 | 1 << 8 })
            has(all.memory[#all.memory], { flags = 4 })
            has(all.refused[1], { device = 1, size = 1 << 50, type = 1 })
            assert.is_true(all.refused[1].result == 1 or all.refused[1].result == 2)
        end)

        it("tells devices apart, and threads", function()
            local all = recorded { "devices", "threads" }
            assert.equal(2, #all.device)
            assert.equal(2, #all.device_closed)
            local by_device, seen, living, threads = { 0, 0 }, {}, 0, {}
            for _, event in ipairs(all) do
                if event.kind == "resource" then
                    assert.is_nil(seen[event.resource])
                    seen[event.resource] = event
                    by_device[event.device] = by_device[event.device] + 1
                    living = living + 1
                elseif event.kind == "destroyed" then
                    assert.is_truthy(seen[event.resource])
                    living = living - 1
                elseif event.kind == "submit" then
                    threads[event.thread] = (threads[event.thread] or 0) + 1
                end
            end
            assert.same({ 2 + 4 * 50, 2 }, by_device)
            assert.equal(0, living)
            assert.equal(#all.memory, #all.memory_freed)
            local busy = 0
            for _, count in pairs(threads) do
                busy = busy + (count == 50 and 1 or 0)
            end
            assert.equal(4, busy)
        end)

        it("records what several instances do, one after another and at once", function()
            local all = recorded { "probe", "instances", "compute" }
            assert.equal(3, #all.device)
            assert.equal(3, #all.device_closed)
            assert.equal(3, #all.submit)
        end)

        it("gives each process a file", function()
            local output, said, code = record { "child=memory", "child=compute", "alias" }
            assert.equal(0, code)
            contains(output, "memory: 3 buffers", "compute: 98176", "alias: 100 101")
            local paths = {}
            for path in said:gmatch("into (%S+) %(") do
                paths[#paths + 1] = path
            end
            assert.equal(3, #paths)
            assert.equal(trace, paths[1])
            assert.matches("/run%.%d+%.fhtrace$", paths[2])
            assert.matches("/run%.%d+%.fhtrace$", paths[3])
            local submits = {}
            for i, path in ipairs(paths) do
                submits[i] = #read(path).submit
            end
            assert.same({ 0, 1, 1 }, submits)
        end)

        it("replaces a file, and not what a link leads to", function()
            support.write(folder .. "/old.fhtrace", "what was before")
            support.run(("ln -s old.fhtrace %s"):format(quote(trace)))
            assert.equal(1, #recorded({ "alias" }).submit)
            assert.equal("what was before", support.read(folder .. "/old.fhtrace"))
            assert.equal(1, #recorded({ "alias" }).submit)
            local names = support.run(("cd %s && ls -A | grep fhtrace"):format(quote(folder)))
            assert.equal("old.fhtrace\nrun.fhtrace\n", names)
        end)

        it("names the file by the number of the process where asked to", function()
            local _, said, code = run { "-o", "at-%p.fhtrace", program, "alias" }
            assert.equal(0, code)
            local name = said:match("into (at%-%d+%.fhtrace) ")
            assert.equal(1, #read(folder .. "/" .. name).submit)
        end)

        it("leaves out what comes after the last frame that is wanted, or before the first",
            function()
                local list = { "alias", "compute", "alias", "compute", "memory" }
                local function some(frames)
                    local _, said, code = run { "--frames=" .. frames, "-o", trace, program,
                        table.unpack(list) }
                    assert.equal(0, code)
                    local all, info = read(trace)
                    assert.is_true(info.complete)
                    return all, said
                end
                local all, said = some "2"
                contains(said, ", 2 frames into")
                assert.equal(2, #all.submit)
                assert.equal(5, #all.resource)
                assert.equal(0, #all.device_closed)
                all = some "2..3"
                assert.equal(2, #all.submit)
                assert.equal(2, all.submit[1].value)
                assert.equal(8, #all.resource)
                all = some "9..12"
                assert.equal(0, #all.submit)
                assert.equal(0, #all.passed)
                assert.equal(1, #all.device_closed)
            end)

        it("changes nothing that the program sees", function()
            local list = { "seen", "memory", "alias", "transfer", "compute", "secondary", "render",
                "timeline", "address", "devices", "threads", "refused", "instances" }
            local expected, _, code = run_bare(list)
            assert.equal(0, code)
            contains(expected, "render: ffbf8040 ff000000\n", "transfer: same\n",
                "secondary: 98176\n")
            local output = record(list)
            assert.equal(expected, output)
        end)

        it("leaves nothing behind, and nothing undone", function()
            -- By hand, with the layer alone: with sanitizers this looks for leaks.
            local before = ("VK_ADD_LAYER_PATH=%s VK_INSTANCE_LAYERS=VK_LAYER_FREEHOLD_record "
                .. "FREEHOLD_RECORD_FILE=%s "):format(quote(support.build), quote(trace))
            local _, complaints, code = run_bare({ "compute", "threads", "devices", "render",
                "leak", "instances" }, before)
            assert.equal("", complaints)
            assert.equal(0, code)
            assert.is_true(select(2, read(trace)).complete)
        end)

        it("passes arguments, input and exit codes on", function()
            local output, said, code = record { "arguments", "a b", "it's", '"$HOME" \\', "", "-o",
                "--", "a\nb" }
            assert.equal('<a b>\n<it\'s>\n<"$HOME" \\>\n<>\n<-o>\n<-->\n<a\nb>\n', output)
            contains(said, "freehold: nothing was recorded: ", "made no Vulkan instance")
            assert.equal(0, code)
            assert.equal(5, select(3, record { "compute", "exit=5" }))
            assert.equal(255, select(3, record { "exit=255" }))
            assert.equal(128 + 11, select(3, record { "crash=11" }))
            assert.equal(128 + 9, select(3, record { "compute", "crash=9" }))
            assert.equal("typed\n", (run({ "-o", trace, "--", "cat" }, "echo typed | ")))
            assert.equal("0\n", (run { "sh", "-c", "echo $#" }))
        end)

        it("keeps what was recorded of a program that is interrupted or killed", function()
            -- As Ctrl-C does: the program and the command get it, when the recorder has written
            -- something.
            support.write(folder .. "/watch.sh", ([[
                unset LD_PRELOAD
                for i in $(seq 600); do
                    [ "$(stat -c %%s %s 2>/dev/null || echo 0)" -lt 900 ] || break
                    sleep 0.05
                done
                kill -$1 $(cat pid) $(test $1 = KILL || ps -o ppid= -p $(cat pid))]])
                :format(quote(trace)))
            for signal, ending in pairs { INT = 128 + 2, KILL = 128 + 9 } do
                os.remove(trace)
                local _, said, code = run({ "-o", trace, "sh", "-c", 'echo $$ > pid; exec "$@"',
                    "sh", program, "compute", "memory", "hang" },
                    ("sh watch.sh %s >/dev/null 2>&1 & "):format(signal))
                assert.equal(ending, code)
                contains(said, "The program did not come to its end", "into " .. trace)
                local all, info = read(trace)
                assert.is_false(info.complete)
                assert.is_true(#all.resource > 0)
            end
        end)

        it("keeps the other layers and their paths", function()
            if not has_validation then
                pending("the validation layer is not there")
                return
            end
            local folders = "/usr/share/vulkan/explicit_layer.d"
            for _, before in ipairs {
                "VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation ",
                "VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation VK_LAYER_PATH=" .. folders .. " ",
                "VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation VK_ADD_LAYER_PATH=/nonesuch ",
            } do
                local output, _, code = record({ "validate", "mistake" },
                    "export " .. before .. "; ")
                contains(output, "validation errors: 2\n")
                assert.equal(3, code)
                assert.equal(1, #read(trace).submit)
            end
        end)

        it("makes no mistake that the validation layer knows", function()
            if not has_validation then
                pending("the validation layer is not there")
                return
            end
            local list = { "validate", "memory", "alias", "transfer", "compute", "secondary",
                "render", "timeline", "address", "devices", "threads", "instances", "seen" }
            -- It stands below ours where the program asks for it, above where the environment
            -- does.
            for _, before in ipairs {
                "", "export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation; ",
            } do
                local output, said, code = record(list, before)
                assert.is_nil(said:find("VUID", 1, true), said)
                contains(output, "validation errors: 0\n")
                assert.equal(0, code)
            end
            local output = record { "api=1.0", "validate", "memory", "compute" }
            contains(output, "validation errors: 0\n")
            output = record { "validate", "mistake" }
            contains(output, "validation errors: 2\n")
        end)

        it("lets a program go on that cannot be recorded", function()
            local before = ("VK_ADD_LAYER_PATH=%s VK_INSTANCE_LAYERS=VK_LAYER_FREEHOLD_record ")
                :format(quote(support.build))
            local output, complaints, code = run_bare({ "compute" },
                before .. "FREEHOLD_RECORD_FILE=/nonesuch/run.fhtrace ")
            assert.equal("compute: 98176\n", output)
            assert.matches("^VK_LAYER_FREEHOLD_record: cannot record into /nonesuch/run.fhtrace: "
                .. "[^\n]+\n$", complaints)
            assert.equal(0, code)
            output, complaints = run_bare({ "compute" }, before)
            assert.equal("compute: 98176\n", output)
            assert.equal("VK_LAYER_FREEHOLD_record: FREEHOLD_RECORD_FILE is not set: nothing is "
                .. "recorded.\n", complaints)
        end)

        it("leaves a file alone that is there, and replaces the one it was asked for", function()
            local before = ("VK_ADD_LAYER_PATH=%s VK_INSTANCE_LAYERS=VK_LAYER_FREEHOLD_record "
                .. "FREEHOLD_RECORD_FILE=%s "):format(quote(support.build), quote(trace))
            support.write(trace, "mine")
            run_bare({ "compute" }, before)
            assert.equal("mine", support.read(trace))
            recorded { "compute" }
        end)
    end

    why = missing(false)
    if why then
        pending("refuses: " .. why)
    else
        it("says what it was asked for wrongly", function()
            local function refuses(code, list, ...)
                local output, said, ending = run(list)
                assert.equal("", output)
                contains(said, "freehold: ", ...)
                assert.equal(code, ending)
            end
            refuses(2, {}, "missing argument 'program'", "freehold record --help")
            refuses(2, { "--frames", "0", "true" }, "'0' is neither a count of frames nor")
            refuses(2, { "--frames", "5..4", "true" }, "'5..4' is neither")
            refuses(2, { "--frames", "2..", "true" }, "'2..' is neither")
            refuses(127, { "no-such-program" }, "there is no program 'no-such-program'")
            refuses(127, { "./no-such-program", "-x" }, "there is no program './no-such-program'")
            refuses(1, { "-o", "/nonesuch/x.fhtrace", "true" }, "cannot write /nonesuch/x.fhtrace")
            refuses(2, { "-o", "/dev/null", "true" }, "/dev/null is no file")
            assert.equal(0, select(3, support.run("test -c /dev/null")))
        end)

        it("tells when the program uses no Vulkan", function()
            local output, said, code = run { "sh", "-c", "echo hello; exit 3" }
            assert.equal("hello\n", output)
            contains(said, "freehold: nothing was recorded: sh made no Vulkan instance")
            assert.equal(3, code)
            assert.equal("", (support.run("cd " .. quote(folder) .. " && ls -A | grep fhtrace")))
        end)

        it("leaves an old file as it was when nothing is recorded", function()
            local function look()
                return (support.run(("cd %s && ls -A | grep -v cache; cat old.fhtrace"):format(
                    quote(folder))))
            end
            support.write(folder .. "/old.fhtrace", "what was before")
            support.run(("cd %s && ln -s old.fhtrace link.fhtrace; ln -s none dangling.fhtrace; "
                .. "chmod 640 old.fhtrace; touch -d @1000000000 old.fhtrace"):format(quote(folder)))
            local before = look()
            for _, name in ipairs { "old", "link", "dangling" } do
                local _, said, code = run { "-o", name .. ".fhtrace", "true" }
                contains(said, "freehold: nothing was recorded: true made")
                assert.equal(0, code)
                assert.equal(before, look())
            end
            assert.equal("640 1000000000\n", (support.run("stat -c '%a %Y' "
                .. quote(folder .. "/old.fhtrace"))))
            assert.equal("old.fhtrace\n", (support.run("readlink "
                .. quote(folder .. "/link.fhtrace"))))
            -- Also when the program runs in a folder of its own, and by an option's name.
            support.write(folder .. "/-x", "what was before")
            run { "--output=-x", "sh", "-c", "cd /" }
            assert.equal("what was before", support.read(folder .. "/-x"))
        end)

        it("does not blame the loader when one inside it records", function()
            local _, said, code = run { "-o", "outer.fhtrace", "sh", "-c", ('lua5.4 %s record -o '
                .. 'inner.fhtrace sh -c "exit 3"'):format(quote(command)) }
            contains(said, "freehold: nothing was recorded: sh made no Vulkan instance",
                "freehold: nothing was recorded here: sh ran a freehold record of its own")
            assert.equal(1, select(2, said:gsub("its loader did not take", "")))
            contains(said, "or it sets the FREEHOLD_RECORD_ variables itself")
            assert.equal(3, code)
        end)

        it("tells when the layer is not there", function()
            if select(3, support.run("test -f /usr/local/share/vulkan/explicit_layer.d/"
                .. "VkLayer_freehold.json")) == 0 then
                pending("one is installed")
                return
            end
            support.run(("ln -s %s/freehold.so %s"):format(quote(support.build), quote(folder)))
            local _, said, code = support.run(environment .. support.environment()
                .. ("LUA_CPATH=%s lua5.4 %s record true"):format(quote(folder .. "/?.so;;"),
                    quote(command)))
            contains(said, "the recording layer is not there: no VkLayer_freehold.json in ")
            assert.equal(1, code)
        end)

        it("shows how to use it", function()
            local output, said, code = run { "--help" }
            assert.equal("", said)
            contains(output, "[--] PROGRAM [ARG] ...", "--frames", "freehold record vkcube")
            assert.equal(0, code)
        end)
    end
end)

describe("the recording layer", function()
    local why = missing(false)
    if why then
        pending("records: " .. why)
        return
    end

    local folder, all

    local function record(name, frames)
        local program = compile("layer_program", "layer_program.c made_up_driver.c")
        local output, complaints, code = support.run_program(
            ("cd %s && FREEHOLD_RECORD_FILE=%s FREEHOLD_RECORD_FRAMES=%s %s %s"):format(
                quote(folder), name, frames, quote(program), quote(layer)))
        assert.equal("", complaints)
        assert.equal("", output)
        assert.equal(0, code)
        local events, info = read(folder .. "/" .. name)
        assert.is_true(info.complete)
        return events
    end

    lazy_setup(function()
        folder = support.folder()
        all = record("run.fhtrace", "")
    end)

    lazy_teardown(function()
        support.remove(folder)
    end)

    it("describes the device", function()
        has(all.device[1], { text = "made up", vendor = 0x1234, adapter_kind = 1, api = 2,
            granularity = 1024, atom = 256, allocation_count_max = 4096,
            allocation_size_max = 1 << 30, heap_count = 2, type_count = 2 })
        assert.same({ 1 << 20, 1, 2 << 20, 0, 0, 1, 1, 2 }, all.device[1].list)
        assert.equal(1, #all.queue)
        has(all.queue[1], { queue = 1, device = 1, flags = 2 })
    end)

    it("tells imported, exported, dedicated and refused memory", function()
        has(all.memory[1], { size = 100, type = 0, flags = 1, priority_ppm = 250000 })
        has(all.memory[2], { size = 200, type = 1, flags = 2 | 4 })
        has(all.memory[3], { size = 300, flags = 0, dedicated = 2 })
        has(all.memory_freed[1], { memory = 3 })
        assert.equal(1, #all.memory_freed)
        has(all.refused[1], { size = 400, type = 2, result = 2, parcel_kind = 2 })
    end)

    it("describes resources of every kind", function()
        has(all.resource[1], { size = 4000, needs_size = 4096, needs_alignment = 256,
            needs_types = 3, usage = 8, native_usage = 64, dedicated = 0 })
        has(all.resource[2], { parcel_kind = 1, needs_size = 8192, dedicated = 1, usage = 32,
            samples = 4, mips = 2, width = 30, height = 20, native_format = 9 })
        has(all.resource[3], { native_usage = 1 << 17 | 1 << 40, usage = 256, flags = 32 })
        has(all.resource[4], { parcel_kind = 0, flags = 4, native_flags = 1 })
        has(all.resource[5], { parcel_kind = 1, flags = 4 })
        has(all.resource[6], { flags = 8 | 16, format = 0, native_format = 1 })
        has(all.resource[7], { texture_kind = 3, layers = 12 })
        has(all.resource[8], { flags = 2, needs_size = 0 })
        has(all.resource[9], { native_flags = 512, needs_size = 0 })
    end)

    it("takes each plane that is bound by itself for a resource", function()
        has(all.resource[10], { resource = 10, parcel_kind = 2, size = 600, needs_size = 600 })
        has(all.resource[11], { resource = 11, parcel_kind = 2, size = 300 })
        has(all.named[1], { noun = 1, id = 10, text = "plane 0 of image 9" })
        assert.equal(2, #all.bound)
        has(all.bound[1], { resource = 10, memory = 4, offset = 0, size = 600 })
        has(all.bound[2], { resource = 11, memory = 4, offset = 1024, size = 300 })
        assert.same({ 10, 11 }, all.submit[1].list)
        has(all.submit[1], { value = 1, batches = 1, commands = 0 })
        -- What is gone is used no more, whoever names it.
        assert.same({}, all.submit[2].list)
    end)

    it("records budgets that the program asked for, when they change", function()
        assert.equal(3, #all.budget)
        has(all.budget[1], { device = 1, heap = 0, budget = 1000, usage = 17 })
        has(all.budget[2], { heap = 1, budget = 2000, usage = 0 })
        has(all.budget[3], { heap = 0, budget = 900, usage = 17 })
    end)

    it("records swapchains and presents", function()
        for i = 12, 14 do
            has(all.resource[i], { resource = i, parcel_kind = 1, flags = 2, width = 320,
                height = 200, native_format = 50, usage = 1 << 10, needs_size = 0 })
        end
        assert.equal(14, #all.resource)
        has(all.frame[1], { device = 1, queue = 1, number = 1 })
        has(all.frame[2], { number = 2 })
        local gone = {}
        for i, event in ipairs(all.destroyed) do
            gone[i] = event.resource
        end
        assert.same({ 1, 2, 10, 11, 9, 12, 13, 14 }, gone)
    end)

    it("counts presents as frames where a device can present", function()
        local some = record("frames.fhtrace", "1")
        assert.equal(2, #some.submit)
        assert.equal(1, #some.frame)
        assert.equal(some.frame[1], some[#some])
        some = record("later.fhtrace", "2..2")
        assert.equal(0, #some.submit)
        assert.equal(2, #some.frame)
        assert.equal(14, #some.resource)
    end)

    it("cuts long names between characters", function()
        local name = all.named[3]
        has(name, { noun = 1, id = 3 })
        assert.equal(1 + 1364 * 3, #name.text)
        assert.equal(1 + 1364, utf8.len(name.text))
    end)

    it("knows what a queue has passed, and no more than that", function()
        local passed = {}
        for _, event in ipairs(all) do
            if event.kind == "passed" then
                passed[#passed + 1] = event.value
            elseif event.kind == "submit" then
                passed[#passed + 1] = "submit " .. event.value
            elseif event.kind == "named" and event.noun == 4 then
                passed[#passed + 1] = event.text
            end
        end
        assert.same({ "submit 1", "submit 2", "submit 3", "submit 4", "submit 5", "point 25", 3, 4,
            "one of two fences", "too early", "both fences", 5, "submit 6", "point 40",
            "a fence alone", 6, "submit 7" }, passed)
    end)

    it("records once that the device is lost", function()
        assert.equal(1, #all.lost)
        has(all.lost[1], { device = 1 })
        local problems = {}
        for _, note in ipairs(all.note) do
            problems[#problems + 1] = note.topic == 4 and note.text or nil
        end
        assert.same({ "The submit before this was refused: VkResult -4." }, problems)
    end)
end)
