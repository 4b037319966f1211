-- More variables than a function may have from the outside.
-- expect: rejected
-- says: upvalues
--+ 190 local v$
local function inner()
--+ 190 local w$
    return function()
--+ 190 v$ = v$
--+ 190 w$ = w$
    end
end
return { frame = inner }
