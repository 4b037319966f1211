-- Patterns backtrack; here they are plain text.
-- expect: decides
return {
    frame = function()
        local hay = ("a"):rep(200)
        assert(not hay:find(("a*"):rep(30) .. "b"))
        assert(hay.match == nil and hay.gmatch == nil and hay.gsub == nil and hay.dump == nil)
        return { depth = 1 }
    end,
}
