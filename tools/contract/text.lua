-- Lines of text, for the parts of tools/gen_policy_contract.

local text = { WIDTH = 100 }

-- `words` broken into lines of at most text.WIDTH bytes. `first` stands before the first of them,
-- and `rest` before the others.
function text.wrap(words, first, rest)
    local lines, line = {}, first
    local empty = true
    for word in words:gmatch("%S+") do
        if not empty and #line + 1 + #word > text.WIDTH then
            lines[#lines + 1] = line
            line, empty = rest, true
        end
        line = empty and line .. word or line .. " " .. word
        empty = false
    end
    lines[#lines + 1] = line
    return lines
end

function text.writer()
    local lines = {}
    local self = {}
    function self.add(format, ...)
        lines[#lines + 1] = select("#", ...) > 0 and format:format(...) or format
    end
    function self.add_all(more)
        table.move(more, 1, #more, #lines + 1, lines)
    end
    -- Paragraphs, each wrapped; list items as lines of their own.
    function self.paragraphs(words, prefix)
        local paragraph = {}
        local function flush(rest)
            if #paragraph > 0 then
                local line = table.concat(paragraph, " ")
                self.add_all(text.wrap(line, prefix, prefix .. (rest or "")))
                paragraph = {}
            end
        end
        local item = false
        for line in (words .. "\n"):gmatch("(.-)\n") do
            if line == "" or line:find("^%- ") then
                flush(item and "  ")
                item = line ~= ""
                if line == "" then
                    self.add((prefix:gsub("%s+$", "")))
                end
            end
            if line ~= "" then
                paragraph[#paragraph + 1] = line
            end
        end
        flush(item and "  ")
    end
    function self.text()
        return table.concat(lines, "\n") .. "\n"
    end
    return self
end

return text
