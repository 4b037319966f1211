-- migrate() returns functions, cycles and proxies.
-- expect: failed
return {
    migrate = function(self, old)
        local t = { f = error, old = old }
        t.t, t.self = t, self
        return t
    end,
}
