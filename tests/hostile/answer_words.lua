-- Words that are none, and would be obeyed by terminals.
-- expect: failed
return {
    place = function() return { memory = "\27[2Jdevice" } end,
    relieve = function() return { action = "\xff\xc0" } end,
    limits = function() return { kinds = { ["</script>"] = 1 } } end,
    frame = function() return { ["\27]0;x\7"] = 1 } end,
    alias = function() return { strategy = "\27[2J\xff", options = { ["\27"] = "\xff" } } end,
}
