-- What the numbers of events mean: words by number, in the order of the public headers, and flags
-- by bit. A number that is none of them stays a number.

local words = {}

-- Lists begin with what 0 means.
local function of(...)
    local list = {}
    for i, word in ipairs { ... } do
        list[i - 1] = word
    end
    return list
end

words.adapter_kind = of("discrete", "integrated", "software")
words.api = of("other", "freehold", "vulkan", "d3d12", "metal")
words.kind = of("buffer", "texture", "raw", "external", "staging", "transient")
words.hook = of("place", "relieve", "limits", "frame", "pressure", "retain", "recycle", "evict",
    "alias", "defrag", "migrate")
words.outcome = of("decided", "nothing", "failed", "stopped", "busy", "quarantined")
words.account = of("total", "heap", "kind", "tag")
words.texture_kind = of("2d", "1d", "3d", "cube")
words.dedicated = of("no opinion", "preferred", "required")
words.topic = of("remark", "program", "recorder", "source", "problem")
words.noun = { "resource", "memory", "queue", "device" }
-- One more than fh_location; 0 is not known.
words.location = of("unknown", "device", "upload", "readback", "device_upload")
-- Minus the fh_result.
words.result = of("ok", "invalid", "out_of_memory", "host_memory", "budget", "stale", "unsupported",
    "busy", "timeout", "device_lost", "io", "format", "script")

words.memory_flags = of("device_local", "host_visible", "host_coherent", "host_cached",
    "lazily_allocated", "protected", "device_coherent", "device_uncached")
words.traced_memory_flags = of("imported", "exported", "address")
words.usage = of("copy_src", "copy_dst", "vertex", "index", "uniform", "storage", "indirect",
    "texel", "device_address", "sampled", "color_target", "depth_target", "input",
    "transient_target")
words.resource_flags = of("linear", "swapchain", "sparse", "external", "aliased", "always",
    "mapped", "evictable")

--- The numbers of words: `words.number.kind.raw` is 2.
words.number = {}
for name, list in pairs(words) do
    if name ~= "number" then
        local numbers = {}
        for number, word in pairs(list) do
            numbers[word] = number
        end
        words.number[name] = numbers
    end
end

--- How a request failed; a number where the API has results of its own.
---@param api string?
---@param number integer
---@return string|integer
function words.result_of(api, number)
    local ours = api ~= "vulkan" and api ~= "d3d12" and api ~= "metal"
    return ours and words.result[number] or number
end

--- The names of the bits that are set in `flags`, by a list of them.
---@param list string[]
---@param flags integer
---@return string[]
function words.bits(list, flags)
    local names, bit = {}, 0
    while list[bit] do
        if flags & 1 << bit ~= 0 then
            names[#names + 1] = list[bit]
        end
        bit = bit + 1
    end
    return names
end

return words
