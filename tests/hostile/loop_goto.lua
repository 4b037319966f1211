-- A loop without a loop.
-- expect: stopped
return {
    frame = function()
        ::again::
        goto again
    end,
}
