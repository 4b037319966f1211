-- The text itself catches its time-out.
-- expect: rejected
-- says: too long
pcall(function()
    while true do
    end
end)
return { frame = function() end }
