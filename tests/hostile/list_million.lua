-- A list of a million entries.
-- expect: stopped
return {
    relieve = function()
        local list = {}
        for i = 1, 1000000 do
            list[i] = "trim"
        end
        return list
    end,
    limits = function()
        local list = {}
        for i = 1, 1000000 do
            list["tag" .. i] = 1
        end
        return { tags = list }
    end,
}
