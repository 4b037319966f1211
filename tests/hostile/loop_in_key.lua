-- The key of each candidate takes long: together too long.
-- expect: stopped
return {
    evict = function(_, candidate)
        local key = candidate.age
        for i = 1, 100000 do
            key = key + i
        end
        return key
    end,
}
