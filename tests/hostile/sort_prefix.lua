-- Long strings that differ in their last byte only.
-- expect: stopped
return {
    frame = function()
        local prefix, list = ("p"):rep(8000), {}
        for i = 1, 200 do
            list[i] = prefix .. (i * 7919) % 1009
        end
        while true do
            table.sort({ table.unpack(list) })
        end
    end,
}
