-- What people do every day.
-- expect: rejected
-- says: :10:
return {
    frame = function()
        if true then
            return { depth = 2 }
        end
    en
}
