-- Thousands of different numbers.
-- expect: rejected
return { frame = function()
    return {
--+ 7000 $.5,
    }
end }
