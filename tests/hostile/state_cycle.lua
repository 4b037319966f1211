-- A table that contains itself is no tree.
-- expect: failed
return {
    frame = function(self)
        local t = {}
        t.t = t
        self.state.t = t
    end,
    pressure = function(self)
        local a, b = {}, {}
        a.b, b.a = b, a
        self.state.a = { { { a } } }
    end,
}
