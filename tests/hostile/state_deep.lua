-- Tables in tables in tables.
-- expect: failed
return {
    frame = function(self)
        local t = {}
        for _ = 1, 3000 do
            t = { t }
        end
        self.state.t = t
    end,
    pressure = function(self)
        local at = self.state
        for _ = 1, 3000 do
            at.t = {}
            at = at.t
        end
    end,
}
