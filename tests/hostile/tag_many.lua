-- More tags than there may be.
-- expect: ends
return {
    limits = function()
        local tags = {}
        for i = 1, 2000 do
            tags["t" .. i] = i
        end
        return { tags = tags }
    end,
}
