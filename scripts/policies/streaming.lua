-- streaming: textures have a budget, and make room for each other a few at a time.
--
-- What was not used for longest goes first, and of two that are equally old the larger. A frame
-- asks for textures alone, for none that was used in the last frames, and for no more than `cap`
-- bytes (or one texture that is larger than that), however far over the budget we are: so that the
-- frame that notices does not pay for it all.

return {
    name = "streaming",

    options = {
        budget = { type = "bytes", default = "1GiB", min = "64KiB",
            doc = "all textures together" },
        cap = { type = "bytes", default = "32MiB", min = "64KiB",
            doc = "bytes to let go of in one frame, at most; best above 2 % of the budget" },
        young = { type = "integer", default = 3, min = 0, max = 600,
            doc = "frames since its last use in which a texture is left alone" },
        soft = { type = "number", default = 0.9, min = 0.1, max = 1,
            doc = "part of the budget at which letting go begins" },
    },

    limits = function(self)
        return {
            kinds = { texture = self.options.budget },
            watermarks = { self.options.soft },
        }
    end,

    frame = function(self)
        return { evict_cap = self.options.cap }
    end,

    -- Near the budget, before anything is refused. It is told again once 2 % of the budget came
    -- free.
    pressure = function(self, event)
        if event.up and event.account.kind == "texture" then
            return { evict_bytes = self.options.cap }
        end
    end,

    -- Called once for each candidate; the lowest key goes first, nil never.
    evict = function(self, candidate)
        if candidate.kind ~= "texture" or candidate.age < self.options.young then
            return nil
        end
        -- Ages are whole frames: the size only decides between equals.
        return -candidate.age - candidate.size / (1 << 50)
    end,

    -- The budget is full, and a texture is refused. "evict" asks for what is short, and textures
    -- alone: at once those that may go at any time, the least important and the oldest first, and
    -- the others at the next frame, within its cap.
    relieve = function(_, request)
        if request.account and request.account.kind == "texture" then
            return { "retry", "evict" }
        end
    end,
}
