-- Much is kept, for good reason, and a little garbage is made at every call: it is collected before
-- there is no room left.
-- calls: 400
-- expect: decides
local kept, calls, inside = {}, 0, false
return {
    frame = function()
        assert(not inside, "the call before was stopped")
        inside = true
        calls = calls + 1
        if calls <= 20 then
            local list = {}
            for i = 1, 2000 do
                list[i] = { i }
            end
            kept[calls] = list
        else
            for i = 1, 1500 do
                local _ = { i, i }
            end
        end
        inside = false
        return { depth = 2 }
    end,
}
