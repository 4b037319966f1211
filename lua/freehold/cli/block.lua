-- `freehold block`: runs a made-up workload on a virtual block, and shows what became of it. The
-- same seed gives the same run.

local fh = require "freehold"
local json = require "freehold.cli.json"
local picture = require "freehold.cli.picture"
local size = require "freehold.cli.size"
local counted = require("freehold.cli.text").counted

local command = {}

local STRATEGIES = { "balanced", "min_time", "min_memory", "min_offset" }
local COLUMNS, ROWS = 72, 4
local SVG_CELLS, SVG_ROWS = 320, 80

local function to_count(text)
    local count = math.tointeger(tonumber(text))
    if not count or count < 1 or count > 1000000000 then
        return nil, ("'%s' is no count. Give a whole number from 1 to 1000000000."):format(text)
    end
    return count
end

local function to_seed(text)
    local seed = math.tointeger(tonumber(text))
    if not seed then
        return nil, ("'%s' is no seed. Give a whole number."):format(text)
    end
    return seed
end

local function to_share(text)
    local share = tonumber(text)
    if not share or not (share > 0 and share <= 1) then
        return nil, ("'%s' is no share. Give a number above 0, up to 1, such as 0.9."):format(text)
    end
    return share
end

local function to_block_size(text)
    local bytes, why = size.parse(text)
    if bytes == 0 then
        return nil, ("'%s' is no size of a block. Give at least 1."):format(text)
    end
    return bytes, why
end

local function to_alignment(text)
    local bytes, why = size.parse(text)
    if bytes and (bytes == 0 or bytes & bytes - 1 ~= 0) then
        return nil, ("'%s' is no alignment. Give a power of two, such as 256."):format(text)
    end
    return bytes, why
end

local function to_sizes(text)
    local low, high = text:match("^([^:]*):([^:]*)$")
    if not low then
        low, high = text, text
    end
    local min, why = size.parse(low)
    if not min then
        return nil, why
    end
    local max
    max, why = size.parse(high)
    if not max then
        return nil, why
    end
    if min < 1 or min > max then
        return nil,
            ("'%s' is no range of sizes. Give the smaller first, such as 256:4MiB."):format(text)
    end
    return { min = min, max = max }
end

--- Adds the command to the parser of `freehold`.
function command.describe(parser)
    parser:summary "run a made-up workload on a virtual block, and show it"
    parser:description(
        "Runs a made-up workload on a virtual block: requests come until the block is as full as\n"
        .. "--fill says, then ranges go to make room for the next. Shows a map of the block, what\n"
        .. "was refused, and how fragmented the free space is (1 - largest gap / free space).")
    parser:option("--size", "size of the block", "64MiB"):convert(to_block_size)
    parser:option("--algorithm", "bookkeeping", "tlsf"):choices { "tlsf", "linear" }
    parser:option("--strategy", "where a tlsf block looks for room; given several times, or as all,"
        .. " they are compared (default: balanced)")
        :choices { "balanced", "min_time", "min_memory", "min_offset", "all" }
        :count "*"
    parser:option("--ops", "how many allocations and frees", "20000"):convert(to_count)
    parser:option("--fill", "share of the block to keep in use", "0.9"):convert(to_share)
    parser:option("--sizes", "MIN:MAX of the requests: as many small as large, by their logarithm",
        "256:4MiB"):convert(to_sizes)
    parser:option("--alignment", "of every request, a power of two", "256"):convert(to_alignment)
    parser:option("--order", "which range goes first: random, lifo or fifo (default: random; for "
        .. "linear blocks fifo)"):choices { "random", "lifo", "fifo" }
    parser:option("--seed", "of the random numbers", "1"):convert(to_seed)
    parser:flag("--json", "print the figures as JSON")
    parser:option("--svg", "write a picture of the addresses over time"):argname "FILE"
    parser:option("--dump", "write the block as JSON for the memory-dump visualiser")
        :argname "FILE"
end

-- Takes a range out of the live ones, which are in the order they were made but for one thing: the
-- last moves into the place of one that random took out of the middle.
local function take(live, order)
    local count = live.last - live.first + 1
    local index = live.last
    if order == "fifo" then
        index = live.first
    elseif order == "random" then
        index = live.first + math.random(count) - 1
    end
    local range = live[index]
    if order == "fifo" then
        live[index] = nil
        live.first = live.first + 1
    else
        live[index] = live[live.last]
        live[live.last] = nil
        live.last = live.last - 1
    end
    return range
end

local function draw_size(sizes)
    local low, high = math.log(sizes.min), math.log(sizes.max)
    local drawn = math.floor(math.exp(low + (high - low) * math.random()) + 0.5)
    return math.min(math.max(drawn, sizes.min), sizes.max)
end

-- Runs the workload. Returns the block and a table of figures, or nil and a sentence.
local function simulate(args, strategy)
    local block, message = fh.block { size = args.size, algorithm = args.algorithm }
    if not block then
        return nil, message
    end
    local options = { alignment = args.alignment, strategy = strategy }
    local limit = args.fill * args.size
    local live = { first = 1, last = 0 }
    local used, requests, refused = 0, 0, 0
    local first_refusal
    local rows = {}
    local wanted
    math.randomseed(args.seed)
    for step = 1, args.ops do
        wanted = wanted or draw_size(args.sizes)
        local room = used + wanted <= limit
        if room then
            requests = requests + 1
            local range, why, code = block:alloc(wanted, options)
            if range then
                live.last = live.last + 1
                live[live.last] = range
                used = used + wanted
            elseif code == "out_of_memory" then
                refused = refused + 1
                first_refusal = first_refusal or used / args.size
                room = false
            else
                block:destroy()
                return nil, why
            end
            wanted = nil
        end
        if not room and live.last >= live.first then
            local range = take(live, args.order)
            used = used - range.size
            assert(range:free())
        end
        if args.svg and step * SVG_ROWS // args.ops > #rows then
            rows[#rows + 1] = picture.cells(block, SVG_CELLS)
        end
    end

    local detail = assert(block:detail())
    local free = detail.stats.block_bytes - detail.stats.range_bytes
    return block, {
        strategy = strategy,
        block_bytes = detail.stats.block_bytes,
        range_count = detail.stats.range_count,
        range_bytes = detail.stats.range_bytes,
        free_bytes = free,
        free_count = detail.free_count,
        free_max = detail.free_max,
        fragmentation = free > 0 and 1 - detail.free_max / free or 0.0,
        requests = requests,
        refused = refused,
        first_refusal = first_refusal,
    }, rows
end

local function percent(part, whole)
    return ("%.1f %%"):format(whole > 0 and 100 * part / whole or 0)
end

local function workload(args)
    return ("%s, filled to %s, sizes %s to %s, alignment %s, %s frees, seed %d"):format(
        counted(args.ops, "operation"), percent(args.fill, 1), size.format(args.sizes.min),
        size.format(args.sizes.max), size.format(args.alignment), args.order, args.seed)
end

local function bookkeeping(args, strategy)
    return strategy and ("%s, %s"):format(args.algorithm, strategy) or args.algorithm
end

local function show_one(args, run, print_line, unicode)
    local figures = run.figures
    local count = math.min(COLUMNS * ROWS, args.size) -- a character is a byte at least
    local cells = picture.cells(run.block, count)
    for first = 1, count, COLUMNS do
        local last = math.min(first + COLUMNS - 1, count)
        print_line("  " .. picture.line(table.move(cells, first, last, 1, {}), unicode))
    end
    print_line(("  %s; a character is %s"):format(
        picture.legend(unicode), size.format(args.size / count)))
    print_line("")
    print_line(("  used           %s of %s (%s) in %s"):format(
        size.format(figures.range_bytes), size.format(figures.block_bytes),
        percent(figures.range_bytes, figures.block_bytes),
        counted(figures.range_count, "range")))
    print_line(("  free           %s in %s, the largest %s"):format(
        size.format(figures.free_bytes), counted(figures.free_count, "gap"),
        size.format(figures.free_max)))
    print_line(("  fragmentation  %.2f (1 - largest gap / free)"):format(figures.fragmentation))
    print_line(("  refused        %d of %s (%s)%s"):format(
        figures.refused, counted(figures.requests, "request"),
        percent(figures.refused, figures.requests),
        figures.first_refusal
            and (", the first when %s full"):format(percent(figures.first_refusal, 1)) or ""))
end

local function show_several(args, runs, print_line, unicode)
    local count = math.min(COLUMNS - 12, args.size)
    for _, run in ipairs(runs) do
        local line = picture.line(picture.cells(run.block, count), unicode)
        print_line(("  %-11s %s"):format(run.figures.strategy, line))
    end
    print_line(("  %-11s %s"):format("", picture.legend(unicode)))
    print_line("")
    print_line(("  %-11s %9s %15s %9s %13s %8s"):format(
        "strategy", "refused", "first at", "gaps", "largest gap", "frag."))
    for _, run in ipairs(runs) do
        local figures = run.figures
        print_line(("  %-11s %9d %15s %9d %13s %8.2f"):format(
            figures.strategy, figures.refused,
            figures.first_refusal and percent(figures.first_refusal, 1) .. " full" or "-",
            figures.free_count, size.format(figures.free_max), figures.fragmentation))
    end
end

-- The strategies that were asked for, each once; { false } for a linear block, which has none.
local function strategies_of(args)
    if args.algorithm == "linear" then
        return { false }
    end
    local asked = args.strategy
    if #asked == 0 then
        asked = { "balanced" }
    end
    local list, seen = {}, {}
    for _, name in ipairs(asked) do
        for _, strategy in ipairs(name == "all" and STRATEGIES or { name }) do
            if not seen[strategy] then
                seen[strategy] = true
                list[#list + 1] = strategy
            end
        end
    end
    return list
end

-- What is wrong with the arguments together, as a sentence; nil when nothing is.
local function complaint(args, strategies)
    if args.algorithm == "linear" and #args.strategy > 0 then
        return "a linear block has no strategies. Leave --strategy out, or give --algorithm tlsf."
    elseif args.sizes.max > args.size then
        return ("requests of up to %s do not fit a block of %s. Give smaller --sizes, or a larger "
            .. "--size."):format(size.format(args.sizes.max), size.format(args.size))
    elseif args.dump and #strategies > 1 then
        return "--dump writes one block. Give one --strategy."
    end
end

--- Runs the command.
---@param args table what argparse made of the command line
---@param host freehold.CliHost
function command.run(args, host)
    args.order = args.order or (args.algorithm == "linear" and "fifo" or "random")
    local strategies = strategies_of(args)
    local wrong = complaint(args, strategies)
    if wrong then
        host.misuse(wrong)
    end

    local runs = {}
    for i, strategy in ipairs(strategies) do
        local block, figures, rows = simulate(args, strategy or nil)
        if not block then
            host.misuse(figures)
        end
        runs[i] = { block = block, figures = figures, rows = rows }
    end

    if args.dump then
        host.write_file(args.dump, assert(runs[1].block:json(true)))
    end
    local title = ("%s: %s"):format(size.format(args.size), workload(args))
    if args.svg then
        local panels = {}
        for i, run in ipairs(runs) do
            panels[i] = {
                title = ("%s: %d refused, fragmentation %.2f at the end"):format(
                    bookkeeping(args, run.figures.strategy), run.figures.refused,
                    run.figures.fragmentation),
                rows = run.rows,
            }
        end
        host.write_file(args.svg, picture.svg(title, panels))
    end
    if args.json then
        local list = {}
        for i, run in ipairs(runs) do
            list[i] = run.figures
        end
        host.print(json.encode {
            algorithm = args.algorithm,
            alignment = args.alignment,
            fill = args.fill,
            ops = args.ops,
            order = args.order,
            runs = list,
            seed = args.seed,
            size = args.size,
            size_max = args.sizes.max,
            size_min = args.sizes.min,
        })
    else
        local unicode = picture.has_unicode()
        local function print_line(line)
            host.print(line .. "\n")
        end
        print_line(("A block of %s, %s."):format(
            size.format(args.size), #runs == 1 and bookkeeping(args, runs[1].figures.strategy)
                or args.algorithm .. ", strategies compared"))
        print_line(workload(args) .. ".")
        print_line("")
        if #runs == 1 then
            show_one(args, runs[1], print_line, unicode)
        else
            show_several(args, runs, print_line, unicode)
        end
    end
    for _, run in ipairs(runs) do
        run.block:destroy()
    end
end

return command
