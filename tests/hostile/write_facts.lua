-- Facts are what they are.
-- expect: failed
return {
    place = function(_, request) request.size = 0 end,
    relieve = function(_, request) request.tried.trim = true end,
    limits = function(_, facts) facts.heaps[1].used = 0 end,
    frame = function(_, _, facts) facts.heaps[5] = {} end,
    pressure = function(_, event) event.account = nil end,
    retain = function(_, block) table.insert(block, 1) end,
    recycle = function(_, pool) pool.x = 1 end,
    evict = function(_, candidate) candidate.age = 0 end,
    alias = function(_, graph) table.sort(graph) end,
    defrag = function(_, block) table.remove(block) end,
}
