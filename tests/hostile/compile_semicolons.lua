-- Sixty thousand statements that are none.
-- expect: failed
return { frame = function()
--* 60000 ;
    error("reached")
end }
