-- The colours of a report: whether they can be read.

local support = require "tests.spec.support"

-- The colours of a theme, by name: "#rrggbb" only.
local function colors_of(css, selector)
    local block = css:match(selector .. " (%b{})")
    local colors = {}
    for name, red, green, blue in block:gmatch("%-%-([%w-]+): #(%x%x)(%x%x)(%x%x);") do
        colors[name] = { tonumber(red, 16), tonumber(green, 16), tonumber(blue, 16) }
    end
    return colors
end

-- The contrast of two colours, 1 to 21. Source: WCAG 2.1.
local function contrast(a, b)
    local function luminance(color)
        local parts = {}
        for i, value in ipairs(color) do
            local part = value / 255
            parts[i] = part <= 0.03928 and part / 12.92 or ((part + 0.055) / 1.055) ^ 2.4
        end
        return 0.2126 * parts[1] + 0.7152 * parts[2] + 0.0722 * parts[3]
    end
    local high, low = luminance(a), luminance(b)
    if high < low then
        high, low = low, high
    end
    return (high + 0.05) / (low + 0.05)
end

describe("the colours of a report", function()
    local css = support.read(support.root .. "/lua/freehold/report/report.css")
    for _, theme in ipairs { { "light", ":root" }, { "dark", ":root%[data%-theme=\"dark\"%]" } } do
        local colors = colors_of(css, theme[2])
        local function at_least(wanted, name, other)
            local found = contrast(colors[name], colors[other])
            assert.is_true(found >= wanted, ("%s on %s has %.2f"):format(name, other, found))
        end
        it("can be read, " .. theme[1], function()
            for _, name in ipairs { "ink", "muted", "better", "worse", "accent", "reference",
                "refused", "evicted" } do
                at_least(4.5, name, "panel")
                at_least(4.5, name, "page")
            end
            for _, note in ipairs { "warning", "note" } do
                at_least(4.5, "ink", note)
            end
            for run = 0, 6 do
                at_least(4.5, "run-" .. run, "panel")
            end
            for _, kind in ipairs { "buffer", "texture", "raw", "external" } do
                at_least(4.5, "on-span", "kind-" .. kind)
                at_least(1.35, "kind-" .. kind, "block")
            end
            for cause = 0, 6 do
                at_least(4.5, "on-span", "cause-" .. cause)
            end
        end)
    end
end)
