-- A function that calls itself and never comes back: the stack fills memory.
-- expect: stopped
local function down()
    return 1 + down()
end

return { frame = down }
