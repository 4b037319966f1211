-- An iterator that never says that it is over.
-- expect: stopped
return {
    frame = function()
        for _ in function() return true end do
        end
    end,
}
