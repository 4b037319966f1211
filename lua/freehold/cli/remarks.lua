-- What has to be known before the figures of a comparison are believed, as sentences: the notes of
-- the report, and what only who sits at a command line can change.

local notes = require "freehold.report.notes"
local size = require "freehold.cli.size"

local remarks = {}

--- What there is to say: a list of { level=, text= }, warnings first.
---@param compared table
---@return { level: "warning"|"note", text: string }[]
function remarks.of(compared)
    local list, peak = notes.of(compared), compared.trace.peak_reserved
    for _, run in ipairs(compared.runs) do
        if #run.policy > 0 and run.limit and run.limit >= peak then
            list[#list + 1] = {
                level = "note",
                text = ("%s: its limit, %s, is not below what the program had at most, %s. To give"
                    .. " it something to decide: --set limit=70%%, or --what-if heap0=70%%.")
                    :format(run.name, size.format(run.limit), size.format(peak)),
            }
        end
    end
    return list
end

return remarks
