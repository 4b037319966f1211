-- Parentheses in parentheses.
-- expect: rejected
return { frame = function() return
--* 30000 (
1
--* 30000 )
end }
