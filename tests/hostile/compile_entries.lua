-- A table of thirty thousand entries, made by the text.
-- expect: rejected
-- says: memory
local t = {
--* 30000 1,
}
return { frame = function() return t end }
