-- It works when it is tried, and fails when it matters.
-- calls: 3
-- expect first: decides
-- expect: failed
local tries = 0
return {
    place = function()
        tries = tries + 1
        if tries > 2 then
            error("now it matters")
        end
        return { memory = "device" }
    end,
}
