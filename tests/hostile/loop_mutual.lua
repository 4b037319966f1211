-- Two functions that call each other.
-- expect: stopped
local ping, pong

function ping(n)
    return pong(n) + 1
end

function pong(n)
    return ping(n) + 1
end

return {
    frame = function()
        return { depth = ping(1) }
    end,
}
