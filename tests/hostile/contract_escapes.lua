-- Fields that would be obeyed by terminals.
-- expect: rejected
return { ["\27[2J\7\xff"] = 1, [("x"):rep(15000)] = 2 }
