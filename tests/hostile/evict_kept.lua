-- The candidate is kept, and asked about others later.
-- expect: decides
local first
return {
    evict = function(_, candidate)
        first = first or candidate
        local ok, age = pcall(function() return first.age end)
        return ok and age or 0
    end,
}
