-- A part of the state is kept, after it has left the state.
-- calls: 4
-- expect: ends
local part
return {
    frame = function(self)
        if not part then
            self.state.a = { b = { c = 1 } }
            part = self.state.a.b
            self.state.a = nil
        end
        part.c = part
        part.d = { part }
        self.state.back = part
        return { depth = 1 }
    end,
}
