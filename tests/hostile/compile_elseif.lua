-- A chain of conditions, for each of which the compiler walks all jumps before it.
-- expect: rejected
return {
    frame = function(x)
        if x == 0 then
            x = 0
--+ 4200 elseif x then
        end
    end,
}
