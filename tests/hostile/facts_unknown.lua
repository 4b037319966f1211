-- A fact that there is none of, asked for by the longest name.
-- expect: failed
return {
    place = function(_, request) return request[("w"):rep(15000)] end,
    frame = function(_, stats) return stats["\27[2J\xff"] end,
    retain = function(_, block) return block[1 << 62] end,
    limits = function(_, facts) return facts.heaps[1 << 62] or facts.heaps[-1].x end,
}
