-- As many constants as fit.
-- expect: rejected
return { frame = function()
    local t = {
--+ 8000 "$",
    }
    return t
end }
