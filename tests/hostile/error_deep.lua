-- An error at the bottom of a deep stack: the traceback is cut.
-- expect: failed
-- says: deep
local function down(n)
    if n == 0 then
        error("deep")
    end
    return (down(n - 1))
end

return { frame = function() down(150) end }
