-- Facts are read and walked as often as there is charge for.
-- expect: stopped
return {
    frame = function(_, stats, facts)
        while true do
            for _, heap in ipairs(facts.heaps) do
                for _ in pairs(heap) do
                end
            end
            for _ in pairs(stats) do
            end
        end
    end,
    place = function(_, request)
        while true do
            local _ = request.usage.storage, request.kind, request.tag, request.width
        end
    end,
}
