-- A loop whose end never comes, with work in it.
-- expect: stopped
return {
    frame = function()
        local x = 0
        repeat
            x = x + 1
        until x < 0
        return { depth = 2 }
    end,
}
