-- tags: a limit for each part of a program, by the tag that its parcels carry.
--
-- Edit the table and save: the limits follow at the next frame. A part that lives above its new
-- limit is not cut down at once; what would make it grow is refused, and its owners are asked to
-- let go, a little every frame.

local limits = {
    terrain = 512 * MiB,
    characters = 256 * MiB,
    effects = 128 * MiB,
    ui = 64 * MiB,
}

return {
    name = "tags",

    options = {
        scale = { type = "number", default = 1, min = 0.05, max = 16,
            doc = "all limits times this: one knob for small and large machines" },
        cap = { type = "bytes", default = "16MiB", min = "64KiB",
            doc = "bytes that owners are asked for in one frame, at most" },
        strict = { type = "boolean", default = false,
            doc = "refuse what has no tag" },
    },

    limits = function(self)
        local scaled = {}
        for tag, limit in pairs(limits) do
            scaled[tag] = math.floor(limit * self.options.scale)
        end
        return { tags = scaled, watermarks = { 0.9 } }
    end,

    frame = function(self)
        return { evict_cap = self.options.cap }
    end,

    place = function(self, request)
        if self.options.strict and not request.tag then
            return { deny = true }
        end
    end,

    -- At a tag's limit trimming does not help, nor does what other parts of the program let go of.
    -- "evict" asks for what is short, and only parcels of this tag; with `bytes` it would ask any.
    relieve = function(_, request)
        if request.account and request.account.scope == "tag" then
            return { "retry", "evict", "deny" }
        end
    end,

    pressure = function(_, event)
        if event.up and event.account.scope == "tag" then
            log("%s: %d of %d MiB", event.account.tag, event.used // MiB, event.limit // MiB)
        end
    end,
}
