-- Every call has one argument more than the one before, all of which are copied.
-- expect: stopped
local function more(...)
    return more(1, ...)
end

return { frame = more }
