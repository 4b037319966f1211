-- A workload: a batch job that wants as much memory as it can get, and does with less.
--
--     freehold run compute_job
--     freehold run compute_job --policy pools
--
-- A job is a row of batches. Each uploads its input in pieces, works in two stages on large
-- buffers, reads a summary back, and keeps its result: a later batch may want it, and what was
-- evicted meanwhile is computed again. A batch whose buffers are refused is split in halves, and
-- takes twice as long. The stages lie on the same memory, one after the other.
--
-- A workload returns a table: setup(world) is called once, frame(world, n) plays a frame, evict
-- lets go of a parcel. Memory that is refused is nil, and no failure; random numbers are the
-- world's. All of it is in freehold run --help.

local fh = require "freehold"

local PIECE = 8 * fh.MiB                 -- of the input, uploaded in one frame
local SPLIT_MAX = 16

local results                            -- by the number of the batch
local batch
local again                              -- computed again, since the result was gone

local function buffer(world, name, size, more)
    local options = { size = size, usage = "storage|copy_src|copy_dst", name = name, tag = name }
    for key, item in pairs(more or {}) do
        options[key] = item
    end
    return world:buffer(options)
end

local function release(parcels)
    for _, parcel in pairs(parcels) do
        parcel:release()
    end
end

-- The buffers of a batch that is done in `split` parts; nil when there is no room for them.
local function make_buffers(world, size, split)
    local part = (size // split + 255) // 256 * 256
    local made = {}
    made.input = buffer(world, "input", part, { priority = 0.8 })
    made.workspace = made.input and world:raw {
        size = 3 * part, name = "workspace", tag = "workspace", priority = 0.8,
    }
    -- What the first stage writes and the second one reads, and what each of them needs beside.
    if made.workspace then
        for name, range in pairs {
            between = { 0, part }, first = { part, 2 * part }, second = { part, part },
        } do
            made[name] = buffer(world, name, range[2],
                { backing = made.workspace, backing_offset = range[1] })
        end
        return made
    end
    release(made)
    return nil
end

local function begin(world, number)
    local size = world:random(32, 256) * fh.MiB
    local split = 1
    local buffers = make_buffers(world, size, split)
    while not buffers and split < SPLIT_MAX do
        split = 2 * split
        buffers = make_buffers(world, size, split)
    end
    if not buffers then
        world:say("batch %d of %d MiB waits for memory", number, size // fh.MiB)
        return nil
    elseif split > 1 then
        world:say("batch %d of %d MiB is done in %d parts", number, size // fh.MiB, split)
    end
    local uploads = (size + PIECE - 1) // PIECE
    return {
        number = number, size = size, split = split, buffers = buffers, step = 0,
        uploads = uploads, steps = uploads + 2 * split,
        wants = number > 1 and world:random() < 0.3 and world:random(number - 1) or nil,
    }
end

-- The results of earlier batches stay as long as there is room.
local function finish(world)
    local result = buffer(world, "result", batch.size // 8,
        { evictable = "any_thread", priority = 0.2, user = batch.number })
    if result then
        world:use(result)
        results[batch.number] = result
    end
    world:scratch { size = "1MiB", usage = "copy_dst", location = "readback", tag = "summary" }
    release(batch.buffers)
end

local function use_earlier(world)
    local result = results[batch.wants]
    if result then
        world:use(result)
    else
        again = again + 1
        batch.steps = batch.steps + 2
        world:say("batch %d wants the result of %d, which is gone", batch.number, batch.wants)
    end
    batch.wants = nil
end

return {
    name = "compute job",
    doc = "batches on large buffers, whose results are kept while there is room",
    frames = 600,
    latency = 3,

    setup = function()
        results, batch, again = {}, nil, 0
    end,

    frame = function(world, n)
        batch = batch or begin(world, #results + 1)
        if not batch then
            return
        end
        batch.step = batch.step + 1
        if batch.step <= batch.uploads then
            world:scratch { size = PIECE, usage = "copy_src", tag = "upload" }
            world:use(batch.buffers.input)
        else
            if batch.wants then
                use_earlier(world)
            end
            for _, parcel in pairs(batch.buffers) do
                world:use(parcel)
            end
        end
        if batch.step >= batch.steps then
            results[batch.number] = false
            finish(world)
            batch = nil
        end
        if n % 200 == 0 then
            world:say("%d batches done, %d results computed again", #results, again)
        end
    end,

    evict = function(_, parcel, number)
        results[number] = false
        return parcel:release()
    end,
}
