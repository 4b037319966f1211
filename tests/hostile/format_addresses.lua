-- Tables and functions as text would tell addresses, which differ from run to run.
-- expect: decides
return {
    frame = function(self, stats)
        for _, value in ipairs { {}, print or 1, stats, self, self.state, string.rep, pairs } do
            local text = tostring(value)
            assert(not contains(text, "0x") and text == string.format("%s", value))
        end
        return { depth = 1 }
    end,
}
