-- What is measured of a run: after every frame a few counters, and for whom looks at it all bytes
-- against their limits.

local measure = {}

local kinds = { "texture", "buffer", "raw", "external", "staging", "transient" }

--- Counters.
---@param world freehold.World
---@param status table? what policy:status gave
function measure.brief(world, status)
    local stats = assert(world.device:stats())
    local total = assert(world.device:account("total"))
    return {
        frame = world.frame,
        used = total.used,
        limit = total.limit,
        peak = total.peak,
        reserved = stats.total.reserved,
        retiring = stats.total.retiring_bytes,
        parcels = stats.parcel_count,
        made = world.made,
        refused = stats.refused_count,
        relieved = stats.relieved_count,
        evicted = world.evicted,
        declined = math.max(0, stats.evict_asked_count - world.evicted),
        driver_allocations = stats.driver_alloc_count,
        busy = stats.policy_busy_count,
        decisions = status and status.decision_count or nil,
    }
end

local function add(rows, name, account, always)
    if always or account.used > 0 or account.limit and account.peak > 0 then
        rows[#rows + 1] = { name = name, used = account.used, limit = account.limit }
    end
end

--- Bytes against limits: in all, of heaps, of kinds that are used, and of tags that have a limit.
---@param world freehold.World
---@return { name: string, used: integer, limit: integer? }[]
function measure.accounts(world)
    local device, rows = world.device, {}
    add(rows, "total", device:account("total"), true)
    for _, heap in ipairs(device:adapter().heaps) do
        local name = "heap " .. heap.index
        add(rows, name, device:account(name))
    end
    for _, kind in ipairs(kinds) do
        add(rows, kind, device:account(kind))
    end
    for _, tag in ipairs(world.tags) do
        local account = device:account { scope = "tag", index = tag }
        if account.limit then
            add(rows, "tag " .. tag, account, true)
        end
    end
    return rows
end

return measure
