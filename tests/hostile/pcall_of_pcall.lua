-- pcall(pcall, pcall, …), as deep as the C stack goes, again and again.
-- expect: stopped
return {
    frame = function()
        while true do
            pcall(pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, error)
            local function deeper()
                return pcall(deeper)
            end
            deeper()
        end
    end,
}
