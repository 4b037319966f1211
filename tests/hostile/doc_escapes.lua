-- Descriptions and choices that would be obeyed by terminals and browsers.
-- expect: ends
return {
    options = {
        a = { type = "integer", default = 1, doc = "\27[31m\xff</script>\0" },
        b = { type = "choice", default = "\27[2J", choices = { "\27[2J", "\xff", "a|b" } },
        c = { type = "text", default = "\27]0;x\7\xff\xfe" },
    },
    frame = function() end,
}
