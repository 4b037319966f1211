-- There are no metatables, and so no finalizers that loop.
-- expect: failed
-- says: setmetatable
return {
    frame = function()
        setmetatable({}, { __gc = function()
            while true do
            end
        end })
    end,
}
