-- pools: short-lived and long-lived apart, and no block given back only to be asked for again.
--
-- One long-lived buffer keeps a whole block of short-lived ones from ever falling empty. So what is
-- short-lived (tags that begin with `prefix`) goes to a pool of its own, which the program makes:
-- device:pool { name = "short-lived", … }. Without one everything stays together, and only the
-- second half of this policy works:
--
-- A block that falls empty is kept for a while. A program that needs five blocks in one frame and
-- three in the next, for ever, then makes no driver call at all, and costs two empty blocks.

return {
    name = "pools",

    options = {
        pool = { type = "text", default = "short-lived",
            doc = "name of the program's pool for what is short-lived; empty: none" },
        prefix = { type = "text", default = "frame/",
            doc = "tags that begin with it are short-lived" },
        large = { type = "bytes", default = "16MiB",
            doc = "from here on what is long-lived gets memory of its own, if there is room" },
        keep = { type = "integer", default = 120, min = 0, max = 36000,
            doc = "ticks for which a pool's only empty block is kept" },
    },

    place_steps = { 16 * MiB },

    place = function(self, request)
        local options = self.options
        if request.tag and starts_with(request.tag, options.prefix) then
            return { pool = options.pool ~= "" and options.pool or nil, strategy = "min_time" }
        end
        if request.size_min >= options.large then
            return { dedicated = "prefer" }
        end
        -- Blocks are filled from the bottom, so that those at the end fall empty.
        return { strategy = "min_offset" }
    end,

    retain = function(self, block)
        local keep = self.options.keep
        if block.over then
            return { ticks = 0 }
        end
        -- Several at once are hardly wanted again all together, nor is one that was used for long
        -- before it fell empty.
        if block.pool_empty_count > 1 or block.age_ticks > 100 * keep then
            return { ticks = keep // 4 }
        end
        return { ticks = keep }
    end,
}
