-- spill: what goes where when memory is short, and what never should.
--
-- On a discrete card the CPU sees only a window of the GPU's memory, often 256 MiB. It is for
-- what is small and written every frame; a big buffer in it keeps a hundred small ones out. What is
-- too big goes to the host's memory, and the GPU reads it from there.
--
-- Where all memory is the GPU's own (integrated chips, mobile) there is no window and nothing to
-- spill to: then this policy has no opinion on places.

-- Whether there is memory that is not the GPU's own; and how large the window is, which is the
-- smallest of several heaps of the GPU's own; nil: there is none.
local function look_at(heaps)
    local elsewhere, smallest, largest = false, math.huge, 0
    for _, heap in ipairs(heaps) do
        if heap.device_local then
            smallest, largest = math.min(smallest, heap.size), math.max(largest, heap.size)
        else
            elsewhere = true
        end
    end
    return elsewhere, smallest < largest and smallest or nil
end

local function is_target(request)
    return request.usage.color_target or request.usage.depth_target
end

return {
    name = "spill",

    options = {
        share = { type = "number", default = 1 / 64, min = 0, max = 1,
            doc = "part of the window that one buffer may take" },
        targets_spill = { type = "boolean", default = false,
            doc = "whether render targets may leave the GPU's memory" },
    },

    -- Most requests are none of its business, and it says so before it looks at anything but their
    -- class. For the others it looks at the heaps, which never change while a device is open: that
    -- need not make the verdict uncached, and `keep` says so.
    place = function(self, request, facts)
        local windowed = request.location == "device_upload"
        local pinned = is_target(request) and not self.options.targets_spill
        if not windowed and not pinned then
            return nil
        end
        local elsewhere, window = look_at(facts.heaps)
        if not elsewhere then
            return { keep = "reload" } -- no opinion, and it will not change
        end
        if pinned then
            return { no_spill = true, priority = 1, keep = "reload" }
        end
        -- The verdict is for all sizes of the class, so its largest has to fit.
        local largest = request.size_max or math.huge
        if window and largest > window * self.options.share then
            return { memory = "upload", keep = "reload" }
        end
        return { memory = { "device_upload", "upload" }, keep = "reload" }
    end,

    -- Spilling is the last thing tried, and never for what the GPU writes every frame.
    relieve = function(self, request)
        if is_target(request) and not self.options.targets_spill then
            return { "retry", "trim", "drain", "evict", "deny" }
        end
        return { "retry", "trim", "drain", "evict", "spill" }
    end,
}
