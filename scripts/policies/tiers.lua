-- tiers: what we may hold follows what the system leaves us, in three bands.
--
-- Every frame each heap's allowance is compared with what is available: the OS budget less what
-- others of this process hold there. It shrinks at once, for memory that is gone is gone, but grows
-- only after a while of calm, and step by step, so that a budget that jumps up and down does not
-- make us load and throw away the same textures over and over.
--
--     below 70 %    nothing is done
--     above 85 %    empty blocks go back to the driver
--     above 95 %    owners are asked to let go, down to 85 %

local bands = { 0.70, 0.85, 0.95 }

local function room_of(heap)
    return math.max(0, (heap.os_budget or heap.size) - heap.unaccounted)
end

return {
    name = "tiers",

    options = {
        share = { type = "number", default = 0.95, min = 0.1, max = 1,
            doc = "part of what is available that we take" },
        smoothing = { type = "number", default = 0.2, min = 0.01, max = 1,
            doc = "weight of the newest frame in what counts as available; 1 = no smoothing" },
        calm = { type = "integer", default = 60, min = 1, max = 3600,
            doc = "frames in a row that must leave room before an allowance grows" },
        step = { type = "bytes", default = "64MiB", min = "64KiB",
            doc = "by how much it grows at once; of small heaps by 1/16" },
    },

    frame = function(self, _, facts)
        local options, state, changed = self.options, self.state, false
        state.heaps = state.heaps or {}
        for i, heap in ipairs(facts.heaps) do
            local room, step = room_of(heap), math.min(options.step, heap.size // 16)
            state.heaps[i] = state.heaps[i] or { smooth = room, allowance = heap.size, calm = 0 }
            local one = state.heaps[i]
            one.smooth = freehold.policy.ema(one.smooth, room, options.smoothing)
            -- What is there now counts when it is less, the smoothed value when that is less.
            local target = math.min(room, one.smooth) * options.share
            if target < one.allowance then
                one.allowance, one.calm, changed = target, 0, true
            elseif target < one.allowance + step then
                one.calm = 0
            elseif one.calm + 1 < options.calm then
                one.calm = one.calm + 1
            else
                one.allowance, one.calm, changed = one.allowance + step, 0, true
            end
        end
        return { limits = changed }
    end,

    -- Before the first frame there is no state, and no need of one.
    limits = function(self, facts)
        local heap, known = {}, self.state.heaps or {}
        for i, one in ipairs(facts.heaps) do
            heap[i] = known[i] and known[i].allowance or room_of(one) * self.options.share
        end
        return { heap = heap, watermarks = bands }
    end,

    -- By the mark's height, not its number: another policy beside this one may have marks, too.
    pressure = function(_, event)
        if not event.up or event.fraction < bands[2] then
            return nil
        end
        local above = event.fraction < bands[3] and 0 or event.used - event.limit * bands[2]
        return { trim = true, evict_bytes = math.max(0, above) }
    end,
}
