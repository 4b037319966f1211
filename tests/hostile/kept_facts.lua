-- So are facts, and their parts.
-- expect first: nothing
-- expect: failed
local heaps, heap
return {
    frame = function(_, _, facts)
        if heap then
            assert(not pcall(function() return #heaps end))
            assert(not pcall(function() return heaps[1] end))
            return { depth = heap.used }
        end
        heaps = facts.heaps
        heap = heaps[1]
    end,
}
