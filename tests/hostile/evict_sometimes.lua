-- A key that is a number for some, and something else for others.
-- expect: failed
return {
    evict = function(_, candidate)
        if candidate.age > 5 then
            return {}
        end
        return candidate.age
    end,
}
