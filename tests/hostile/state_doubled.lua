-- State in state, which is copied: twice as much each time.
-- expect: ends
return {
    frame = function(self)
        for i = 1, 100 do
            self.state["copy" .. i] = self.state
        end
    end,
}
