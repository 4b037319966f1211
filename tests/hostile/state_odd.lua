-- Texts and numbers that JSON does not know.
-- calls: 3
-- expect: decides
return {
    frame = function(self)
        local state = self.state
        state["\27[2J\xff\0</script>"] = "\xc0\x80\27\"\\\u{2028}"
        state.nan, state.inf, state.less = 0 / 0, 1 / 0, -1 / 0
        state.min, state.max, state[math.mininteger] = math.mininteger, math.maxinteger, -0.0
        state[""] = { [0] = "", [-1] = {}, [""] = { {} } }
        return { depth = 1 }
    end,
}
