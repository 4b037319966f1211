-- Chrome's trace JSON, which Perfetto's viewer shows and Tracy's importer reads.
--
-- Each device is a process. Of each of its heaps there is a counter (`C`) with the bytes that are
-- reserved and committed. Resources and memories are async spans (`b` and `e`, with `id` and
-- `cat`), since their lives overlap in any way, and nested or complete events must not. Frames,
-- submits, decisions, evictions and refusals are instants (`i`). Times are microseconds.
--
-- Everything is written as it comes, in the order of time, and only what lives is kept. So a name
-- that is given late is a trouble: spans are called by what is known when they begin. Events are
-- read some way ahead, which finds the names that programs give right after making an object; a
-- later one is an instant (`n`) in the span. Viewers make a track of each name: after some
-- hundreds, spans are called by what they are, and their names are in the arguments.

local fh = require "freehold"
local json = require "freehold.cli.json"
local label = require "freehold.formats.label"
local state = require "freehold.formats.state"
local words = require "freehold.formats.words"

local chrome = {
    name = "chrome", doc = "Chrome trace JSON, for Perfetto and Tracy's importer",
    extension = "json",
}

local AHEAD = 2048             -- events
local NAMES_MAX = 400

---@class freehold.ChromeExport
local Export = {}
Export.__index = Export

local function quote(text)
    if not text:find('[^%w %-_.,:/()%[%]<>=+*]') then
        return '"' .. text .. '"'
    end
    return (json.line(text):sub(1, -2))
end

local function args_of(facts)
    local out = {}
    for key, value in pairs(facts) do
        if value ~= "" then
            out[#out + 1] = ('"%s":%s'):format(key,
                type(value) == "string" and quote(value) or ("%d"):format(value))
        end
    end
    table.sort(out)
    return "{" .. table.concat(out, ",") .. "}"
end

function Export:line(text)
    self.write((self.first and "\n" or ",\n") .. text)
    self.first = false
end

function Export:time()
    return ("%d.%03d"):format(self.at // 1000, self.at % 1000)
end

-- Threads get their names where they first come up in a process, and again when they get another.
function Export:thread(pid)
    local tid = self.tid
    local key = pid << 32 | tid
    local name = self.now.threads[tid - 1]
    name = name and name ~= "" and name or ("thread %d"):format(tid - 1)
    if self.threads[key] ~= name then
        self.threads[key] = name
        self:line(('{"name":"thread_name","ph":"M","pid":%d,"tid":%d,"args":{"name":%s}}')
            :format(pid, tid, quote(name)))
    end
    return tid
end

function Export:event(phase, name, pid, more)
    local tid = self:thread(pid)
    self:line(('{"name":%s,"ph":"%s","ts":%s,"pid":%d,"tid":%d%s}'):format(quote(name), phase,
        self:time(), pid, tid, more or ""))
end

function Export:instant(name, pid, category, facts)
    self:event("i", name, pid, (',"s":"%s","cat":"%s","args":%s'):format(
        category == "frame" and "p" or "t", category, args_of(facts)))
end

local function span_more(object, args)
    return (',"cat":"%s","id":"0x%x"%s'):format(object.noun, object.id,
        args and ',"args":' .. args or "")
end

function Export:span_name(object)
    local name = object.name
    if not name then
        return label.class(object)
    elseif self.names[name] then
        return name
    elseif self.name_count < NAMES_MAX then
        self.name_count = self.name_count + 1
        self.names[name] = true
        return name
    end
    return label.class(object)
end

function Export:begin(object)
    if self.window.open and not self.spans[object] and not object.implied
        and self:wants(object.device)
    then
        local name = self:span_name(object)
        self.spans[object], self.told[object] = name, object.name
        self:event("b", name, object.device.pid, span_more(object, args_of(label.facts(object))))
    end
end

function Export:finish(object, more)
    local name = self.spans[object]
    if name then
        self.spans[object], self.told[object] = nil, nil
        self:event("e", name, object.device.pid, span_more(object, more))
    end
end

function Export:inside(object, what, facts)
    if self.spans[object] then
        self:event("n", what, object.device.pid, span_more(object, args_of(facts)))
    end
end

function Export:wants(device)
    return not self.only or device.id == self.only
end

function Export:changed(device)
    if not self.dirty[device] then
        self.dirty[device] = true
        self.dirty_list[#self.dirty_list + 1] = device
    end
end

local function heap_name(device, i)
    return ("heap %d%s"):format(i - 1,
        device.heaps[i].flags & 1 == 1 and " (device local)" or "")
end

-- The counters of what changed since they were last written: one line for all changes of a moment.
function Export:flush()
    for _, device in ipairs(self.dirty_list) do
        self.dirty[device] = nil
        if self.window.open and self:wants(device) then
            self:process(device)
            for i, heap in ipairs(device.heaps) do
                local value = ('"reserved":%d,"committed":%d'):format(heap.reserved,
                    heap.committed)
                if heap.shown ~= value then
                    heap.shown = value
                    self:event("C", heap_name(device, i), device.pid,
                        (',"args":{%s}'):format(value))
                end
            end
        end
    end
    self.dirty_list = {}
end

function Export:name_process(pid, name)
    self:line(('{"name":"process_name","ph":"M","pid":%d,"tid":1,"args":{"name":%s}}'):format(pid,
        quote(self.now.program and ("%s: %s"):format(self.now.program, name) or name)))
end

function Export:process(device)
    if self:wants(device) and device.shown_name ~= device.name then
        if not device.pid then
            self.pid_count = self.pid_count + 1
            device.pid = self.pid_count
        end
        device.shown_name = device.name
        self:name_process(device.pid, device.name)
    end
end

--------------------------------------------------------------------------------------------------

-- Instants, by kind of event: name, category, and what there is to say.
local instants = {}

function instants.frame(event)
    return ("frame %d"):format(event.number), "frame", { queue = event.queue }
end

function instants.submit(event)
    return "submit", "queue", {
        queue = event.queue, value = event.value, batches = event.batches,
        commands = event.commands, resources = event.list and #event.list or 0,
    }
end

function instants.refused(event, self)
    local device = self.now:device_of(event)
    return "refused", "memory pressure", {
        size = event.size, kind = words.kind[event.parcel_kind],
        result = words.result_of(device and device.api, event.result),
    }
end

function instants.eviction(event, self)
    local resource = self.now.resources[event.resource]
    return event.ignored ~= 0 and "eviction, ignored" or "eviction", "memory pressure", {
        resource = event.resource, size = event.size, name = resource and label.of(resource),
    }
end

function instants.decision(event)
    local hook = words.hook[event.hook] or ("hook %d"):format(event.hook)
    return hook, "policy", {
        script = event.text, line = event.line, outcome = words.outcome[event.outcome],
        version = event.version, charge = event.charge, size = event.size,
        kind = words.kind[event.parcel_kind],
    }
end

function instants.policy(event)
    return event.text ~= "" and "policy " .. event.text or "native rules", "policy", {}
end

-- Without a limit there is nothing to say of it.
function instants.crossed(event)
    return event.up ~= 0 and "over a watermark" or "back under a watermark", "memory pressure", {
        account = words.account[event.account], index = event.index, used = event.used,
        limit = event.limit >= 0 and event.limit or nil,
    }
end

function instants.dropped(event)
    return "events are missing", "recorder", { count = event.count }
end

function instants.lost()
    return "device lost", "device", {}
end

function instants.note(event)
    return words.topic[event.topic] or "note", "note", { text = event.text }
end

-- What an event is of: a process is needed, and where nothing says which it is the first. Nil when
-- it is of a device that is not asked for.
function Export:pid_of(event)
    local device = self.now:device_of(event)
    if device and self:wants(device) then
        self:process(device)
    end
    return not device and 1 or device.pid
end

-- A name that came too late for its span.
function Export:named(event)
    local noun = words.noun[event.noun]
    local object = noun == "resource" and self.now.resources[event.id]
        or noun == "memory" and self.now.memories[event.id]
    if self.ahead[noun] then
        self.ahead[noun][event.id] = nil
    end
    if object and object.name and object.name ~= self.told[object] then
        self.told[object] = object.name
        self:inside(object, "named", { name = object.name })
    end
end

function Export:budget(event)
    local device = self.now.devices[event.device]
    local heap = device and self:wants(device) and device.heaps[event.heap + 1]
    if heap and heap.budget then
        self:process(device)
        self:event("C", ("heap %d budget"):format(event.heap), device.pid,
            (',"args":{"budget":%d,"used":%d}'):format(heap.budget, heap.usage))
    end
end

function Export:take(event)
    if event.time_ns > self.at then
        self:flush()
        self.at = event.time_ns
    end
    self.tid = event.thread + 1
    if self.window:before(event, self.now) then
        return true
    end
    self.now:apply(event)
    if event.kind == "named" then
        self:named(event)
    elseif event.kind == "budget" and self.window.open then
        self:budget(event)
    end
    local make = self.window.open and instants[event.kind]
    local pid = make and self:pid_of(event)
    if pid then
        local name, category, facts = make(event, self)
        self:instant(name, pid, category, facts)
    end
    return self.window:after()
end

-- Handlers of what happens.
function Export:watch()
    return {
        device = function(device)
            self:process(device)
            self:changed(device)
        end,
        memory = function(memory)
            self:process(memory.device)
            self:changed(memory.device)
            memory.name = not memory.implied and self.ahead.memory[memory.id] or nil
            self:begin(memory)
        end,
        memory_freed = function(memory)
            self:changed(memory.device)
            self:finish(memory)
        end,
        resource = function(resource)
            self:process(resource.device)
            resource.name = self.ahead.resource[resource.id]
            self:begin(resource)
        end,
        destroyed = function(resource)
            self:finish(resource)
        end,
        bound = function(resource)
            self:changed(resource.device)
            self:inside(resource, "bound", {
                memory = resource.memory.id, offset = resource.offset, size = resource.taken,
            })
        end,
        unbound = function(resource)
            self:changed(resource.device)
        end,
    }
end

-- What lives is there from the first frame that was asked for.
function Export:open()
    for _, device in ipairs(self.now:devices_in_order()) do
        self:changed(device)
    end
    self:flush()
    for _, memory in ipairs(self.now:memories_in_order()) do
        self:begin(memory)
    end
    for _, resource in ipairs(self.now:resources_in_order()) do
        self:begin(resource)
    end
end

-- What still lives when it ends.
function Export:close()
    self:flush()
    if self.pid_count == 0 then
        self:name_process(1, "no device")
    end
    for _, resource in ipairs(self.now:resources_in_order()) do
        self:finish(resource, '{"alive_at_the_end":1}')
    end
    for _, memory in ipairs(self.now:memories_in_order()) do
        self:finish(memory, '{"alive_at_the_end":1}')
    end
end

--- Writes a trace as such JSON.
---@param source freehold.TraceSource
---@param options freehold.ExportOptions `window`; `only`: nothing but `device`
---@param write fun(text: string)
function chrome.export(source, options, write)
    local export = setmetatable({
        write = write, window = options.window, only = options.only and options.device.id,
        ahead = { resource = {}, memory = {} }, spans = {}, told = {}, names = {}, name_count = 0,
        threads = {}, dirty = {}, dirty_list = {}, pid_count = 0, at = 0, tid = 1, first = true,
    }, Export)
    export.now = state.new(export:watch())
    function options.window.on_open()
        export:open()
    end
    write(('{"displayTimeUnit":"ms","otherData":{"freehold":%s,"trace":%s},"traceEvents":[')
        :format(quote(fh.version), quote(source.path:match("[^/\\]*$"))))

    local queue, head, tail, over = {}, 1, 0, false
    local function take()
        local event = queue[head]
        queue[head] = nil
        head = head + 1
        over = export:take(event)
        return over
    end
    source:pass(function(event)
        local ahead = event.kind == "named" and export.ahead[words.noun[event.noun]]
        if ahead then
            ahead[event.id] = ahead[event.id] or event.text
        end
        tail = tail + 1
        queue[tail] = event
        return tail - head >= AHEAD and take()
    end, options.share, options.shares)
    while not over and head <= tail do
        take()
    end
    export:close()
    write("\n]}\n")
end

return chrome
