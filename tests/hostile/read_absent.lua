-- What is not there: each of them is nil.
-- expect: decides
return {
    frame = function()
        for _, name in ipairs {
            "collectgarbage", "coroutine", "debug", "dofile", "getmetatable", "io", "load",
            "loadfile", "loadstring", "next", "os", "package", "print", "rawequal", "rawget",
            "rawlen", "rawset", "require", "setmetatable", "warn", "xpcall", "_G",
        } do
            assert(_ENV[name] == nil, name)
        end
        assert(string.dump == nil and string.gsub == nil and string.pack == nil)
        assert(math.randomseed == nil and utf8.charpattern == nil and table.next == nil)
        return { depth = 1 }
    end,
}
