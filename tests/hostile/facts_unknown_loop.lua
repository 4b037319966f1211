-- The nearest right name is searched for each time.
-- expect: stopped
return {
    place = function(_, request)
        local name = ("sizemax"):rep(20)
        while true do
            pcall(function() return request[name] end)
            pcall(function() return request.sizes end)
        end
    end,
}
