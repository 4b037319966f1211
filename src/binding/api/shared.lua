-- What several parts of the description say in the same words.

local shared = {}

shared.success = { { type = "true", name = "done" } }

shared.closed = { "stale", "the device is closed" }

shared.released = { "stale", "the handle was released, or the device is closed" }

-- Of calls that make parcels.
shared.making = {
    { "invalid", "a field is wrong; the message says which, and why" },
    { "out_of_memory", "every memory type that would do is full" },
    { "budget", "a limit or the OS budget says no, after everything was tried that could help" },
    { "host_memory", "the bookkeeping found no memory" },
    { "unsupported", "nothing here can do that" },
    { "device_lost", "the device is lost" },
    { "stale", "the device is closed, or `pool` or `backing` are gone" },
}

shared.options_doc = "Read raw: metatables are ignored. A field that does not exist raises, with"
    .. " the nearest right name."

-- The entries of several lists in one.
function shared.join(...)
    local joined = {}
    for _, list in ipairs { ... } do
        table.move(list, 1, #list, #joined + 1, joined)
    end
    return joined
end

return shared
