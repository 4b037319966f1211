-- An option whose description is as long as a string may be.
-- expect: ends
return {
    options = { limit = { type = "bytes", default = 1, doc = ("d\n"):rep(8000) } },
    frame = function() end,
}
