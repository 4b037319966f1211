-- A list of a million links, which a collector walks.
-- expect: stopped
return {
    frame = function()
        local head
        for i = 1, 1000000 do
            head = { head, i }
        end
    end,
}
