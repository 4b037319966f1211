-- Keys without an order: tables and functions.
-- expect: failed
-- says: order
return {
    frame = function()
        for _ in pairs { [{}] = 1, [pairs] = 2 } do
        end
    end,
}
