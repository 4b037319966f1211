-- Options of a strategy that do not fit, or would run into each other.
-- expect: failed
local many = {}
for i = 1, 500 do
    many["option" .. i] = i
end
return {
    alias = function() return { strategy = "greedy", options = many } end,
}
