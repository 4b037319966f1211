-- It works when it is tried, and never ends when it matters.
-- calls: 3
-- expect first: decides
-- expect: stopped
local tries = 0
return {
    frame = function()
        tries = tries + 1
        while tries > 2 do
        end
        return { depth = 1 }
    end,
}
