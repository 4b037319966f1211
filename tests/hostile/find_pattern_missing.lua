-- gsub and its like are not there.
-- expect: failed
-- says: gsub
return {
    frame = function()
        return ("a"):rep(30):gsub(("a*"):rep(30), "b")
    end,
}
