-- Pages in headless Chromium, for specs. A page is shown in a frame of the width that is wanted, as
-- the browser's own window cannot be narrower than 500 pixels, and a frame follows the colour
-- scheme of the page around it. A script of the spec's is put into the page: it looks at it, and
-- what it tells comes back with the dump of the page around. That is made when the page has loaded:
-- a second frame, whose document is not closed before the script has told, keeps it loading until
-- then.

local support = require "tests.spec.support"

local browser = {}

local FLAGS = "--headless --disable-gpu --disable-quic --no-first-run --disable-sync"
    .. " --disable-background-networking --disable-component-update --hide-scrollbars"
    .. " --enable-logging=stderr"

local WRAPPER = [[
<!doctype html>
<html style="color-scheme:%s"><head><meta charset="utf-8"><title>frame</title></head>
<body style="margin:0"><iframe id="hold" hidden></iframe><script>
const hold = document.getElementById("hold").contentDocument;
hold.open();
addEventListener("message", (event) => {
    document.documentElement.dataset.told = event.data;
    hold.close();
});
// A page that tells nothing is a failure, and no reason to wait for ever.
setTimeout(() => hold.close(), 60000);
</script><iframe src="page.html" style="border:0;width:%dpx;height:%dpx;color-scheme:%s"></iframe>
</body></html>
]]

--- The browser's command; nil where there is none.
---@return string?
function browser.find()
    for _, name in ipairs { "chromium", "chromium-browser", "google-chrome" } do
        local path = support.run("command -v " .. name)
        if path ~= "" then
            return (path:gsub("%s+$", ""))
        end
    end
end

local entities = { ["&quot;"] = '"', ["&amp;"] = "&", ["&lt;"] = "<", ["&gt;"] = ">",
    ["&nbsp;"] = "\u{A0}" }

-- What the console of the page had.
local function console_of(complaints)
    local lines = {}
    for line in complaints:gmatch("[^\n]+") do
        if line:find("CONSOLE", 1, true) then
            lines[#lines + 1] = line
        end
    end
    return lines
end

--- Shows `page` (HTML) at a size, with `script` run in it, which posts what it found to its parent.
--- Returns that text, the lines of the console, and the picture's bytes.
---@param page string
---@param script string
---@param view { width: integer, height: integer, scheme: string }
---@return string? told
---@return string[] console
---@return string picture
function browser.show(page, script, view)
    local folder = support.folder()
    local at = assert(page:find("</body>", 1, true))
    support.write(folder .. "/page.html", page:sub(1, at - 1) .. "<script>\n" .. script
        .. "</script>\n" .. page:sub(at))
    support.write(folder .. "/frame.html", WRAPPER:format(view.scheme, view.width, view.height,
        view.scheme))
    local root = support.run("id -u"):match("^0%s*$") and " --no-sandbox" or ""
    local dump, complaints = support.run(([[
        unset LD_PRELOAD
        timeout -k 10 100 %s %s%s --user-data-dir=%s --window-size=%d,%d --screenshot=%s \
            --dump-dom %s]])
        :format(browser.find(), FLAGS, root, support.quote(folder .. "/profile"),
        math.max(view.width, 520), view.height, support.quote(folder .. "/picture.png"),
        support.quote("file://" .. folder .. "/frame.html")))
    local file = io.open(folder .. "/picture.png", "rb")
    local picture = file and file:read("a") or ""
    if file then
        file:close()
    end
    support.remove(folder)
    local told = dump:match('data%-told="([^"]*)"')
    return told and told:gsub("&%l+;", entities), console_of(complaints), picture
end

return browser
