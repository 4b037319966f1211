-- The description of the Lua module (src/binding/api.lua) and the module: each has what the other
-- has.

local fh = require "freehold"
local support = require "tests.spec.support"
local traces = require "tests.spec.traces"

local api = dofile(support.root .. "/src/binding/api.lua")

local function sorted(list)
    table.sort(list)
    return list
end

local function keys(map)
    local list = {}
    for key in pairs(map) do
        list[#list + 1] = key
    end
    return sorted(list)
end

local function names(...)
    local list = {}
    for _, descriptions in ipairs { ... } do
        for _, item in ipairs(descriptions) do
            list[#list + 1] = item.name
        end
    end
    return sorted(list)
end

local function class(name)
    for _, candidate in ipairs(api.classes) do
        if candidate.name == name then
            return candidate
        end
    end
    error("no class " .. name)
end

-- One object of each class that has methods, for the description to be compared with. Traces are
-- made in the folder.
local function objects(folder)
    local device = support.small_device()
    local path = traces.rotating(folder .. "/a")
    local recording = assert(fh.recording(path))
    local upload = assert(device:buffer { size = 64, usage = "copy_dst", location = "upload" })
    return {
        ["freehold.Device"] = device,
        ["freehold.Parcel"] = upload,
        ["freehold.Mapping"] = assert(upload:map()),
        ["freehold.View"] = assert(upload:view()),
        ["freehold.Pool"] = assert(device:pool()),
        ["freehold.Queue"] = assert(device:queue("q")),
        ["freehold.Observer"] = assert(device:observe("tick", function() end)),
        ["freehold.BudgetPolicy"] = assert(device:budget_policy {}),
        ["freehold.ScriptPolicy"] = assert(device:set_policy { text = "return {}" }),
        ["freehold.TrustedPolicy"] = assert(device:set_policy { place = function() end }),
        ["freehold.PolicyTest"] = assert(fh.policy_test { text = "return {}" }),
        ["freehold.Block"] = assert(fh.block { size = 1 }),
        ["freehold.Trace"] = assert(device:record(folder .. "/b")),
        ["freehold.TraceReader"] = assert(fh.trace_reader(path)),
        ["freehold.TraceWriter"] = assert(fh.trace_writer(folder .. "/c")),
        ["freehold.Recording"] = recording,
        ["freehold.Replay"] = assert(recording:replay()),
    }, device
end

-- The fields that a class has, those of its base too.
local function fields_of(described)
    local list = names(described.fields or {})
    if described.base then
        table.move(fields_of(class(described.base)), 1, 100, #list + 1, list)
    end
    return sorted(list)
end

-- The names that an error message offers: "…; known: 'a', 'b'".
local function offered(call)
    local done, message = pcall(call)
    assert.is_false(done)
    local list = {}
    for name in message:match("known:(.*)"):gmatch("'([%w_]+)'") do
        list[#list + 1] = name
    end
    return sorted(list)
end

-- The names in a type such as "a"|"b".
local function choices(class_name, field_name)
    for _, field in ipairs(class(class_name).fields) do
        if field.name == field_name then
            local list = {}
            for name in field.type:gmatch('"([%w_]+)"') do
                list[#list + 1] = name
            end
            return sorted(list)
        end
    end
end

describe("the description of the Lua module", function()
    local block, range

    before_each(function()
        block = assert(fh.block { size = 100 })
        range = assert(block:alloc(10, { user = true }))
    end)

    after_each(function()
        block:destroy()
    end)

    it("has the module's fields and functions", function()
        assert.same(names(api.module.fields, api.module.functions), keys(fh))
        for _, fn in ipairs(api.module.functions) do
            assert.equal("function", type(fh[fn.name]))
        end
        for _, field in ipairs(api.module.fields) do
            local expected = field.type:find("^freehold") and "table"
                or field.type == "integer" and "number"
                or field.type
            assert.equal(expected, type(fh[field.name]), field.name)
        end
    end)

    it("has the methods and fields of each class", function()
        local folder = support.folder()
        local all, device = objects(folder)
        for name, object in pairs(all) do
            local described = class(name)
            local index = debug.getmetatable(object).__index
            if type(index) == "table" then
                assert.is_nil(described.fields)
                assert.same(names(described.methods), keys(index), name)
            else
                assert.same(names(described.methods, described.fields), offered(function()
                    return object.there_is_no_such_field_here
                end), name)
            end
            for _, method in ipairs(described.methods) do
                assert.equal("function", type(object[method.name]))
            end
        end
        for _, described in ipairs(api.classes) do
            assert(not described.methods or all[described.name]
                or described.name == "freehold.Range", described.name)
        end
        device:close()
        support.remove(folder)
    end)

    it("has the fields and methods of ranges", function()
        local described = class("freehold.Range")
        assert.same(names(described.fields, described.methods), offered(function()
            return range.there_is_no_such_field
        end))
        for _, field in ipairs(described.fields) do
            assert.not_nil(range[field.name], field.name)
        end
        for _, method in ipairs(described.methods) do
            assert.equal("function", type(range[method.name]))
        end
    end)

    it("has the options", function()
        assert.same(names(class("freehold.BlockOptions").fields), offered(function()
            fh.block { there_is_no_such_field = 1 }
        end))
        assert.same(names(class("freehold.RangeOptions").fields), offered(function()
            block:alloc(1, { there_is_no_such_field = 1 })
        end))
        local device <close> = support.small_device()
        local raw <close> = assert(device:raw { size = 64 })
        local scripted <close> = assert(device:set_policy { text = "return {}" })
        local test <close> = assert(fh.policy_test { text = "return {}" })
        local folder = support.folder()
        local recording <close> = assert(fh.recording(traces.rotating(folder .. "/a")))
        local replay <close> = assert(recording:replay())
        support.remove(folder)
        for class_name, call in pairs {
            DeviceOptions = fh.device,
            AdapterOptions = fh.adapters,
            Profile = function(options) fh.device { profile = options } end,
            ProfileHeap = function(options)
                fh.device { profile = { heaps = { options }, types = {} } }
            end,
            ProfileType = function(options)
                fh.device { profile = { heaps = {}, types = { options } } }
            end,
            BufferOptions = function(options) device:buffer(options) end,
            TextureOptions = function(options) device:texture(options) end,
            RawOptions = function(options) device:raw(options) end,
            ExternalOptions = function(options) device:external(options) end,
            PoolOptions = function(options) device:pool(options) end,
            Region = function(options) raw:read(options) end,
            Copy = function(options) device:copy(options) end,
            Epoch = function(options) device:wait(options) end,
            AccountKey = function(options) device:account(options) end,
            Limits = function(options) device:limits(options) end,
            JsonOptions = function(options) device:json(options) end,
            ExplainRequest = function(options) device:explain(options) end,
            Fault = function(options) device:fault(options) end,
            BudgetOptions = function(options) device:budget_policy(options) end,
            ScriptText = function(options) fh.policy_test(options) end,
            PolicyOptions = function(options) device:set_policy("x", options) end,
            DecisionOptions = function(options) scripted:decisions(options) end,
            PolicyTestOptions = function(options) fh.policy_test("x", options) end,
            EvictTest = function(options) test:evict(options) end,
            Allocator = function(options) device:with_allocator(options) end,
            TraceOptions = function(options) device:record("x", options) end,
            RecordingOptions = function(options) fh.recording("x", options) end,
            ReplayOptions = function(options) recording:replay(options) end,
            ReplayHeap = function(options) recording:replay { heaps = { options } } end,
            SpanOptions = function(options) replay:spans(options) end,
        } do
            assert.same(fields_of(class("freehold." .. class_name)), offered(function()
                call { there_is_no_such_field_here = 1 }
            end), class_name)
        end
        assert.same(choices("freehold.BlockOptions", "algorithm"), offered(function()
            fh.block { size = 1, algorithm = "there_is_no_such_one" }
        end))
        assert.same(choices("freehold.RangeOptions", "strategy"), offered(function()
            block:alloc(1, { strategy = "there_is_no_such_one" })
        end))
    end)

    it("has the fields of what comes back, with their types", function()
        for class_name, value in pairs {
            ["freehold.RangeInfo"] = block:info(range),
            ["freehold.Stats"] = block:stats(),
            ["freehold.StatsDetail"] = block:detail(),
        } do
            local described = class(class_name)
            assert.same(names(described.fields), keys(value))
            for _, field in ipairs(described.fields) do
                if field.type == "integer" then
                    assert.equal("integer", math.type(value[field.name]), field.name)
                end
            end
        end
    end)

    it("has the choices of options", function()
        local device <close> = support.small_device()
        for class_name, make in pairs {
            MemoryOptions = function(options)
                options.size, options.usage = 1, "vertex"
                return device:buffer(options)
            end,
            TextureOptions = function(options)
                options.width, options.format = 1, "r8_unorm"
                return device:texture(options)
            end,
            PoolOptions = function(options) return device:pool(options) end,
            Profile = function(options) return fh.device { profile = options } end,
            Fault = function(options) return device:fault(options) end,
            AccountKey = function(options) return device:account(options) end,
        } do
            for _, field in ipairs(class("freehold." .. class_name).fields) do
                if field.type:find('^"') then
                    assert.same(choices("freehold." .. class_name, field.name), offered(function()
                        make { [field.name] = "there is no such word" }
                    end), field.name)
                end
            end
        end
    end)

    it("has the words of the headers, and those of the errors", function()
        local headers = ""
        for _, name in ipairs { "resource", "memory", "observer", "simulated", "script" } do
            headers = headers
                .. support.read(("%s/include/freehold/%s.h"):format(support.root, name))
        end
        for _, choice in ipairs(api.choices) do
            local list = headers:match("#define " .. choice.macro .. "%(X%)(.-)\n\n")
            local words = {}
            for word in list:gmatch('X%([^"]-"([%w_]+)"%)') do
                words[#words + 1] = word
            end
            assert.same(words, choice.words, choice.name)
        end
        local device <close> = support.small_device()
        local words = {}
        for _, choice in ipairs(api.choices) do
            words[choice.name] = sorted(table.move(choice.words, 1, #choice.words, 1, {}))
        end
        assert.same(words["freehold.Usage"], offered(function()
            device:buffer { usage = "???????????????????????" }
        end))
        assert.same(words["freehold.MemoryFlag"], offered(function()
            device:buffer { required = "???????????????????????" }
        end))
        assert.same(words["freehold.EventKind"], offered(function()
            device:observe("???????????????????????", print)
        end))
        assert.same(words["freehold.BackendCall"], offered(function()
            device:calls("???????????????????????")
        end))
    end)

    -- A policy that has been through everything, a test, and how the policy fares.
    local function policy_things(device)
        local folder = support.folder()
        local path = folder .. "/one.lua"
        support.write(path, "return { limits = function() return { total = 1 << 20 } end }")
        local policy = assert(device:set_policy {
            path, { text = [[
                return {
                    options = {
                        one = { type = "integer", default = 1, min = 1, max = 2, doc = "of all" },
                        two = { type = "choice", default = "a", choices = { "a", "b" } },
                    },
                    relieve = function() return "deny" end,
                    frame = function() return { evict_cap = 1 } end,
                }]] },
        })
        support.write(path, "return {")
        assert.is_nil((policy:reload()))
        support.remove(folder)
        assert.is_nil((device:raw { size = 1 << 30 }))
        device:tick()
        local test = assert(fh.policy_test { text = [[
            return { place = function(self, request) return { deny = request.size > 2 } end }]] })
        return policy, test, policy:status()
    end

    -- That each value has the type that is described; which names are there, and which may be
    -- missing.
    local function check(class_name, ...)
        local described, known = class("freehold." .. class_name), {}
        for _, field in ipairs(described.fields) do
            known[field.name] = field
        end
        local seen = {}
        for _, value in ipairs { ... } do
            for key, item in pairs(value) do
                local field = known[key]
                assert(field, ("%s has an undescribed field %s"):format(class_name, key))
                seen[key] = true
                if field.type:find("^integer%??$") then
                    assert.equal("integer", math.type(item), key)
                elseif field.type:find("^%l+%??$") and field.type ~= "any" then
                    assert.equal(field.type:gsub("%?", ""), type(item), key)
                end
            end
            for name, field in pairs(known) do
                assert(value[name] ~= nil or field.optional or field.type:find("%?$")
                    or field.type == "any", ("%s lacks %s"):format(class_name, name))
            end
        end
        for name in pairs(known) do
            assert(seen[name], ("%s never has %s"):format(class_name, name))
        end
    end

    it("has the fields of what devices return, with their types", function()
        local device <close> = support.small_device({}, { queue_count = 2 })
        local raw <close> = assert(device:raw { size = 4096 })
        local texture <close> = assert(device:texture { width = 4, format = "r8_unorm" })
        local buffer <close> = assert(device:buffer {
            size = 64, usage = "vertex", stride = 4, backing = raw, user = {},
        })
        local external <close> = assert(device:external { size = 1 })
        local pool <close> = assert(device:pool())
        local policy = assert(device:budget_policy { limit = 1 })
        device:set_limit("total", "32MiB")
        local stats, detail = device:stats(), device:detail()
        local scripted, test, status = policy_things(device)
        local adapter = device:adapter()

        check("ParcelInfo", raw:info(), texture:info(), buffer:info(), external:info())
        check("ParcelInfo", table.unpack(device:parcels()))
        check("PoolInfo", pool:info())
        check("Account", device:account("total"))
        check("DeviceStats", stats)
        check("TotalStats", stats.total)
        check("HeapStats", stats.heaps[1])
        check("TypeStats", stats.types[1])
        check("DeviceDetail", detail)
        check("StatsDetail", detail.total)
        adapter.index = 0
        check("Adapter", adapter)
        check("Heap", adapter.heaps[1])
        check("MemoryType", adapter.types[1])
        check("Format", fh.format("bc1_srgb"))
        check("BudgetInfo", policy:info())
        check("PolicyStatus", status)
        check("ScriptStatus", table.unpack(status.scripts))
        check("HookStatus", status.scripts[1].hooks.place)
        check("PolicyOption", table.unpack(scripted:options()))
        check("Decision", table.unpack(scripted:decisions()))
        check("CallInfo", (select(2, test:place { kind = "buffer", size = 1 })))
        check("SimulatedLive", device:live())
        check("Epoch", device:queue(0):epoch(1))
        check("Adapter", fh.adapters()[1])
    end)

    it("has the fields of what traces and replays return, with their types", function()
        local folder = support.folder()
        local device <close> = support.small_device()
        local trace <close> = assert(device:record(folder .. "/b"))
        check("TraceStats", trace:stats(), trace:stop())
        local path = traces.rotating(folder .. "/a")
        local reader <close> = assert(fh.trace_reader(path))
        check("TraceFile", reader:info())
        check("TraceKind", fh.trace_kinds().memory)
        check("TraceField", table.unpack(fh.trace_kinds().memory.fields))
        local recording <close> = assert(fh.recording(path))
        local info = recording:info()
        check("RecordingInfo", info)
        check("TraceFile", info.file)
        check("RecordedDevice", table.unpack(info.devices))
        local texture = recording:resource(1)
        texture.format = texture.format or "r8_unorm"
        check("RecordedResource", texture)
        local replay <close> = assert(recording:replay { keep_spans = true })
        assert(replay:device():set_policy { text = "return { place = function() return {} end }" })
        assert(replay:step())
        local figures, samples = replay:figures(), replay:samples()
        check("ReplayFigures", figures)
        check("ReplayHeapFigures", figures.total, table.unpack(figures.heaps))
        check("ReplayTiming", figures.timing)
        for name, column in pairs(samples) do
            assert.equal(figures.frame_count, #column, name)
            if name:find("^heap%d") then
                samples[name] = nil
            end
        end
        check("ReplaySamples", samples)
        check("ReplayCause", table.unpack(replay:causes()))
        check("ReplayBlocks", replay:blocks())
        check("ReplaySpans", replay:spans())
        support.remove(folder)
    end)

    it("has the fields of the C structs", function()
        -- In C only: what is a pointer's, or stands as a table of its own in Lua.
        local left_out = {
            fh_buffer_desc = { "memory", "native" },
            fh_texture_desc = { "memory", "native" },
            fh_raw_desc = { "memory", "import" },
            fh_external_desc = { "context" },
            fh_device_desc = { "ops", "config", "evict_context", "memory", "clock" },
            fh_budget_policy = { "over_count", "used_peak" },
            fh_profile = { "heap_count", "type_count", "os_budget", "os_unaccounted" },
            fh_allocator_ops = { "destroy" },
            fh_policy_status = { "script_count" },
            fh_option_info = { "has_min", "has_max" },
            fh_policy_source = { "path", "text_size" },
            fh_replay_desc = { "heap_count", "frame_first", "frame_last", "memory" },
            fh_recording_desc = { "context", "memory" },
            fh_recording_info = { "device_count" },
        }
        local renamed = { type_mask = "types" }
        local added = {
            fh_device_desc = { "profile" }, fh_replay_desc = { "frames" },
            fh_recording_info = { "devices" },
        }
        local text = ""
        for name in io.popen("ls " .. support.quote(support.root .. "/include/freehold")):lines() do
            text = text .. support.read(("%s/include/freehold/%s"):format(support.root, name))
        end
        text = text:gsub("/%*.-%*/", "")
        for struct, class_name in pairs {
            fh_stats = "Stats",
            fh_stats_detail = "StatsDetail",
            fh_device_desc = "DeviceOptions",
            fh_memory_desc = "MemoryOptions",
            fh_buffer_desc = "BufferOptions",
            fh_texture_desc = "TextureOptions",
            fh_raw_desc = "RawOptions",
            fh_external_desc = "ExternalOptions",
            fh_pool_desc = "PoolOptions",
            fh_texture_region = "Region",
            fh_fault = "Fault",
            fh_budget_policy = "BudgetOptions",
            fh_profile = "Profile",
            fh_allocator_ops = "Allocator",
            fh_policy_status = "PolicyStatus",
            fh_script_status = "ScriptStatus",
            fh_hook_status = "HookStatus",
            fh_option_info = "PolicyOption",
            fh_policy_source = "ScriptText",
            fh_decision = "Decision",
            fh_trace_desc = "TraceOptions",
            fh_trace_stats = "TraceStats",
            fh_trace_reader_info = "TraceFile",
            fh_trace_field = "TraceField",
            fh_recording_desc = "RecordingOptions",
            fh_recording_info = "RecordingInfo",
            fh_recorded_device = "RecordedDevice",
            fh_recorded_resource = "RecordedResource",
            fh_replay_desc = "ReplayOptions",
            fh_replay_heap = "ReplayHeap",
            fh_replay_figures = "ReplayFigures",
            fh_replay_heap_figures = "ReplayHeapFigures",
            fh_replay_cause = "ReplayCause",
            fh_replay_block = "ReplayBlocks",
        } do
            local body = text:match("typedef struct " .. struct .. " (%b{})")
            body = body:sub(2, -2):gsub("%b{}", "") -- unions within it
            local fields, gone = added[struct] or {}, {}
            for _, name in ipairs(left_out[struct] or {}) do
                gone[name] = true
            end
            for declaration in body:gmatch("([^;{}]+);") do
                -- A pointer to a function, or "type name, name[3]".
                local list = declaration:match("%(%*([%w_]+)%)%(")
                    or declaration:gsub("%b[]", ""):match("^%s*[%w_%s]-[%s*]([%w_]+[%w_, ]*)%s*$")
                for name in list:gmatch("[%w_]+") do
                    if not gone[name] then
                        fields[#fields + 1] = renamed[name] or name
                    end
                end
            end
            assert.same(sorted(fields), names(class("freehold." .. class_name).fields), struct)
        end
    end)

    it("has the codes, with the messages of result.h", function()
        local described = {}
        for _, result in ipairs(api.results) do
            described[result[1]] = result[2]
        end
        local header = support.read(support.root .. "/include/freehold/result.h")
        local declared = {}
        for name, message in header:gmatch('X%(([%u_]+), %-?%d+, "([^"]*)"%)') do
            declared[name:gsub("^ERR_", ""):lower()] = message
        end
        assert.same(declared, described)
        assert.same(keys(declared), keys(fh.result))
        for code in pairs(described) do
            assert.equal(code, fh.result[code])
        end
    end)

    it("has only codes that exist where it says what fails", function()
        local function check_codes(functions)
            for _, fn in ipairs(functions) do
                for _, failure in ipairs(fn.errors) do
                    assert.equal(failure[1], fh.result[failure[1]])
                end
            end
        end
        check_codes(api.module.functions)
        for _, described in ipairs(api.classes) do
            check_codes(described.methods or {})
        end
    end)

    it("is what the editor's types and the manual were made from", function()
        local _, complaints, code = support.run(
            "lua5.4 " .. support.quote(support.root .. "/tools/gen_lua_docs") .. " --check")
        assert.equal("", complaints)
        assert.equal(0, code)
    end)

    it("has examples that run", function()
        local function run(fn, ...)
            if fn.example then
                local device <close> = assert(fh.device {})
                local chunk = assert(load(fn.example, "=" .. fn.name, "t", setmetatable({
                    fh = fh, block = block, range = range, device = device,
                    print = function() end,
                }, { __index = _G })))
                chunk(...)
            end
        end
        for _, fn in ipairs(api.module.functions) do
            run(fn)
        end
        for _, described in ipairs(api.classes) do
            for _, fn in ipairs(described.methods or {}) do
                run(fn)
            end
        end
    end)
end)
