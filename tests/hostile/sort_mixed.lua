-- Numbers and strings in one list have no order.
-- expect: failed
-- says: compare
return {
    frame = function()
        table.sort({ 1, "2", 3, "4" })
    end,
}
