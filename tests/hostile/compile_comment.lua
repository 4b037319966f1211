-- A comment as long as the text may be.
-- expect: nothing
--[==[
--* 60000 ]
]==]
return { frame = function() end }
