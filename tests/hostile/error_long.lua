-- An error with a message as long as a string may be.
-- expect: failed
return {
    place = function() error(("x"):rep(16000)) end,
    frame = function() error(("\n"):rep(16000)) end,
    pressure = function() error(("\27[2J"):rep(4000)) end,
}
