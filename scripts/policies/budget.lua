-- budget: driver memory has one hard limit, and what comes near it is noticed early.
--
-- The limit becomes an account, and is kept without asking this file again: nothing exceeds it, not
-- by a byte. What is here is what happens around it: where large textures go, what to try before a
-- request is refused, and what to do while there is still some room.
--
--     freehold run streaming_world --policy budget --watch
--
-- and then change a number below, or the default of an option, and save.

return {
    name = "budget",

    options = {
        limit = { type = "bytes", default = "512MiB", min = "64KiB",
            doc = "hard cap on driver memory" },
        soft = { type = "number", default = 0.85, min = 0, max = 1,
            doc = "pressure starts at this part of the limit" },
    },

    -- Requests are put into classes by their size: powers of two, and this boundary, too.
    place_steps = { 24 << 20 },

    -- Asked when the policy is loaded, when an option changes, and when another hook says so.
    limits = function(self)
        return { total = self.options.limit, watermarks = { self.options.soft } }
    end,

    -- Asked once for each class of requests; the answer is remembered. Large textures get memory of
    -- their own, which goes back to the driver with them, and may lie in host memory if they must.
    place = function(_, request)
        if request.kind == "texture" and request.size_min >= 24 << 20 then
            return { memory = { "device", "host" }, dedicated = "prefer" }
        end
    end,

    -- There is no room: what to try, in this order, before the request is refused. Each is tried
    -- once, and the first that makes room is the last.
    relieve = function()
        return { "retry", "trim", "evict", "drain" }
    end,

    -- A watermark was crossed: ours, or that of another policy beside this one. Above ours nothing
    -- is kept that is empty.
    pressure = function(self, event)
        if event.up and event.fraction >= self.options.soft then
            return { trim = true }
        end
    end,

    -- Who is asked first: the least important, of these the longest unused, of these the largest.
    evict = { "priority", "-age", "-size" },
}
