-- `freehold info`: which GPUs there are, and the memory that each has: heaps with their budgets,
-- and memory types. Each adapter is opened in turn, since only an open one knows its budgets.

local fh = require "freehold"
local json = require "freehold.cli.json"
local profiles = require "freehold.cli.profile"
local size = require "freehold.cli.size"

local command = {}

local function to_index(text)
    local index = math.tointeger(tonumber(text))
    if not index or index < 0 then
        return nil, ("'%s' is no adapter. Give its number, from 0."):format(text)
    end
    return index
end

--- Adds the command to the parser of `freehold`.
function command.describe(parser)
    parser:summary "show backends, adapters, and the memory they have"
    parser:description(
        "Shows what this build of Freehold can use: its backends, their adapters, and of each the\n"
        .. "heaps (physical memory, with what the system lets this process use of it) and the\n"
        .. "memory types (a heap plus what can be done with memory from it). The backend host\n"
        .. "simulates GPUs; its adapters are built-in profiles, and --profile shows one of yours.")
    parser:option("--backend", "show only this one"):argname "NAME"
    parser:option("--adapter", "show only the adapter of this number"):argname "N"
        :convert(to_index)
    parser:option("--profile", "backend host: show this one of the built-in profiles, or a Lua"
        .. " file that returns such a table (fh.profile has models)"):argname "NAME|FILE.lua"
    parser:flag("--json", "print it as JSON")
end

-- In which order flags are shown; others come after, by the alphabet.
local ranks = {}
for rank, name in ipairs {
    "device_local", "host_visible", "host_coherent", "host_cached", "lazily_allocated", "protected",
} do
    ranks[name] = rank
end

-- `text` with a full stop, if it has no stop of its own.
local function sentence(text)
    return text:find("[.?!]$") and text or text .. "."
end

local function quoted(names)
    return "'" .. table.concat(names, "', '") .. "'"
end

-- The names of the backends to show.
local function backends_of(host, args)
    if args.profile and args.backend and args.backend ~= "host" then
        host.misuse(("profiles are of the backend host, and not of '%s'."):format(args.backend))
    end
    if args.profile then
        return { "host" }
    end
    local all = fh.backends()
    if not args.backend then
        return all
    end
    for _, name in ipairs(all) do
        if name == args.backend then
            return { name }
        end
    end
    host.misuse(("this build has no backend '%s'. It has %s."):format(args.backend, quoted(all)))
end

-- Budgets into the adapter's heaps, if it can be opened.
local function add_budgets(adapter, options)
    options.adapter = adapter.index
    local device, message = fh.device(options)
    if not device then
        adapter.problem = message
        return
    end
    for i, heap in ipairs(device:stats().heaps) do
        adapter.heaps[i].budget = heap.budget
        adapter.heaps[i].usage = heap.usage
    end
    device:close()
end

-- What there is to say of one backend.
local function look(host, name, args, profile)
    local options = { backend = name, profile = profile }
    local adapters, message = profiles.checked(host, fh.adapters, options)
    if not adapters and profile then
        host.misuse(sentence(message))
    elseif not adapters then
        return { name = name, available = false, reason = message, adapters = json.list {} }
    end
    local shown = json.list {}
    for _, adapter in ipairs(adapters) do
        if not args.adapter or args.adapter == adapter.index then
            add_budgets(adapter, options)
            shown[#shown + 1] = adapter
        end
    end
    return { name = name, available = true, adapters = shown, count = #adapters }
end

--------------------------------------------------------------------------------------------------

-- The names in a set.
local function names_in(set)
    local names = json.list {}
    for name in pairs(set) do
        names[#names + 1] = name
    end
    table.sort(names, function(a, b)
        local rank_a, rank_b = ranks[a] or math.huge, ranks[b] or math.huge
        return rank_a < rank_b or rank_a == rank_b and a < b
    end)
    return names
end

local function words(set)
    local names = names_in(set)
    return #names > 0 and table.concat(names, " ") or "-"
end

-- Rows of texts as lines, in columns; numbers stand to the right. The first row is the heading.
local function columns(rows, right)
    local widths = {}
    for _, row in ipairs(rows) do
        for i, text in ipairs(row) do
            widths[i] = math.max(widths[i] or 0, #text)
        end
    end
    local lines = {}
    for i, row in ipairs(rows) do
        local line = {}
        for j, text in ipairs(row) do
            local blank = (" "):rep(widths[j] - #text)
            line[j] = right[j] and blank .. text or text .. blank
        end
        lines[i] = "    " .. table.concat(line, "  "):gsub("%s+$", "")
    end
    return lines
end

local function show_adapter(adapter, print_line)
    print_line(("  adapter %d: %s (%s)"):format(adapter.index, adapter.name, adapter.kind))
    print_line("")
    local rows = { { "heap", "size", "budget", "in use", "is" } }
    for _, heap in ipairs(adapter.heaps) do
        rows[#rows + 1] = {
            tostring(heap.index), size.format(heap.size),
            heap.budget and size.format(heap.budget) or "?",
            heap.usage and size.format(heap.usage) or "?",
            heap.device_local and "device_local" or "-",
        }
    end
    for _, line in ipairs(columns(rows, { true, true, true, true })) do
        print_line(line)
    end
    if adapter.problem then
        print_line(sentence("    It cannot be opened, so its budgets are unknown: "
            .. adapter.problem))
    end
    print_line("")
    rows = { { "type", "heap", "is" } }
    for _, memory_type in ipairs(adapter.types) do
        rows[#rows + 1] = {
            tostring(memory_type.index), tostring(memory_type.heap), words(memory_type.flags),
        }
    end
    for _, line in ipairs(columns(rows, { true, true })) do
        print_line(line)
    end
    print_line("")
    print_line(("    queues %d, granularity %s, atom %s, at most %d allocations of %s each"):format(
        adapter.queue_count, size.format(adapter.granularity), size.format(adapter.atom),
        adapter.allocation_count_max, size.format(adapter.allocation_size_max)))
    print_line(("    can: %s"):format(words(adapter.caps)))
    print_line("")
end

local function show(backends, print_line)
    for _, backend in ipairs(backends) do
        print_line("backend " .. backend.name)
        if backend.available then
            for _, adapter in ipairs(backend.adapters) do
                show_adapter(adapter, print_line)
            end
        else
            print_line(sentence("  not available: " .. backend.reason))
            print_line("")
        end
    end
end

-- Sets as lists, which JSON has.
local function plain(backend)
    for _, adapter in ipairs(backend.adapters) do
        adapter.caps = names_in(adapter.caps)
        for _, memory_type in ipairs(adapter.types) do
            memory_type.flags = names_in(memory_type.flags)
        end
        json.list(adapter.heaps)
        json.list(adapter.types)
    end
    backend.count = nil
    return backend
end

--- Runs the command.
function command.run(args, host)
    local profile = args.profile and profiles.of(host, args.profile)
    local backends, adapter_count, found = {}, 0, false
    for i, name in ipairs(backends_of(host, args)) do
        backends[i] = look(host, name, args, profile)
        adapter_count = math.max(adapter_count, backends[i].count or 0)
        found = found or #backends[i].adapters > 0
    end
    if args.backend and not backends[1].available then
        host.fail(sentence(("the backend '%s' is not available: %s"):format(args.backend,
            backends[1].reason)))
    end
    if args.adapter and not found then
        host.misuse(("there is no adapter %d. There are %d, from 0."):format(args.adapter,
            adapter_count))
    end
    if args.json then
        for _, backend in ipairs(backends) do
            plain(backend)
        end
        host.print(json.encode { version = fh.version, backends = backends })
    else
        show(backends, function(line)
            host.print(line .. "\n")
        end)
    end
end

return command
