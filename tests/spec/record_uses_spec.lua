-- Which resources a submit uses: tests/layer/vulkan_uses.c uses some in every way that there is and
-- says which, and the layer that watches it must say the same. The validation layer stands below
-- the recording layer, where it sees what that calls, and above, where it sees what that answers.

local fh = require "freehold"
local support = require "tests.spec.support"

local quote = support.quote

-- The first file that `pattern` of the shell names, or nil.
local function find(pattern)
    return support.run("ls -d " .. pattern .. " 2>/dev/null"):match("[^\n]+")
end

local layers_folder = "/usr/share/vulkan/explicit_layer.d"
local layer = find(quote(support.build) .. "/libVkLayer_freehold.so")
local driver = find "/usr/share/vulkan/icd.d/lvp_icd.*.json"
local validation = find(layers_folder .. "/VkLayer_khronos_validation.json")
local recording, checking = "VK_LAYER_FREEHOLD_record", "VK_LAYER_KHRONOS_validation"

-- What the program said: a list of submits { test =, names = sorted "a b c" }, and the names that
-- are used always, in order.
local function said(output)
    local submits, always = {}, {}
    for line in output:gmatch("[^\n]+") do
        local test, names = line:match("^submit ([%w_]+):(.*)$")
        if test then
            local list = {}
            for name in names:gmatch("%S+") do
                list[#list + 1] = test .. "." .. name
            end
            table.sort(list)
            submits[#submits + 1] = test .. ": " .. table.concat(list, " ")
        else
            always[#always + 1] = assert(line:match("^always (.+)$"), line)
        end
    end
    return submits, always
end

-- The same, of a recording. Which test a submit belongs to is known from what the program said.
local function recorded(path, submits_said)
    local names, submits, always = {}, {}, {}
    local reader <close> = assert(fh.trace_reader(path))
    for event in reader:events() do
        if event.kind == "named" then
            names[event.id] = event.text
        elseif event.kind == "always_used" then
            always[#always + 1] = names[event.resource]
        elseif event.kind == "submit" then
            local list = {}
            for i, id in ipairs(event.list or {}) do
                list[i] = names[id] or "an unnamed one"
            end
            table.sort(list)
            local test = (submits_said[#submits + 1] or "?"):match("^[^:]*")
            submits[#submits + 1] = test .. ": " .. table.concat(list, " ")
        end
    end
    local info = reader:info()
    assert.equal("", info.damage)
    assert.equal(0, info.dropped_count)
    return submits, always
end

describe("what a submit uses", function()
    local folder

    setup(function()
        folder = support.folder()
        -- Neither lavapipe's own threads nor those of the validation layer tell the thread
        -- sanitizer how they agree. What it finds there is theirs: nothing of ours runs below them.
        support.write(folder .. "/races", [[
race:libvulkan_lvp.so
race:libVkLayer_khronos_validation.so
deadlock:libVkLayer_khronos_validation.so
]])
    end)

    teardown(function()
        support.remove(folder)
    end)

    -- Compiles files of tests/layer, once.
    local function compile(name, files)
        local path = folder .. "/" .. name
        if find(quote(path)) then
            return path
        end
        local _, complaints, code = support.run(table.concat({
            "unset LD_PRELOAD; cd", quote(support.root .. "/tests/layer"), "&&", support.cc(),
            "-g -o", quote(path), files,
            support.cc():find("-fsanitize", 1, true) and "keep_libraries.c" or "",
        }, " "))
        assert.equal("", complaints)
        assert.equal(0, code)
        return path
    end

    -- Runs a program, and compares what it said with what was recorded; returns both lists.
    local function compare(environment, command)
        local path = folder .. "/uses.fhtrace"
        os.remove(path)
        local output, complaints, code = support.run_program(table.concat({
            "unset FREEHOLD_RECORD_FRAMES FREEHOLD_RECORD_LIST;",
            environment, "FREEHOLD_RECORD_FILE=" .. quote(path), command,
        }, " "))
        assert.equal("", complaints)
        assert.equal(0, code)
        local submits, always = said(output)
        local submits_seen, always_seen = recorded(path, submits)
        assert.same(submits, submits_seen)
        assert.same(always, always_seen)
        return submits, always
    end

    local function uses(layers, arguments)
        if not layer or not driver then
            pending("lavapipe is not there, or Vulkan's headers were not when this was built")
        elseif layers:find(checking, 1, true) and not validation then
            pending("the validation layer is not there")
        end
        local program = compile("vulkan_uses", "vulkan_uses.c uses_*.c -lvulkan")
        return compare(table.concat({
            "VK_DRIVER_FILES=" .. quote(driver), "VK_ICD_FILENAMES=" .. quote(driver),
            "TSAN_OPTIONS=$TSAN_OPTIONS:suppressions=" .. quote(folder .. "/races"),
            "MESA_SHADER_CACHE_DISABLE=1 XDG_CACHE_HOME=" .. quote(folder),
            "VK_LAYER_PATH=" .. quote(support.build) .. ":" .. layers_folder,
            "VK_INSTANCE_LAYERS=" .. layers,
        }, " "), quote(program) .. " " .. arguments)
    end

    it("is what the program used, in every way of using", function()
        local submits = uses(recording, "")
        assert(#submits > 100)
    end)

    it("is so with the validation layer below, which has nothing to say", function()
        uses(recording .. ":" .. checking, "--validate")
    end)

    it("is so with the validation layer above, which has nothing to say", function()
        uses(checking .. ":" .. recording, "--validate")
    end)

    it("leaves out what is in a bindless table, which counts as used always", function()
        local _, always = uses(recording, "--bindless bindless")
        assert.equal(2, #always)
    end)

    it("is so for the commands that no driver here has", function()
        if not layer then
            pending("Vulkan's headers were not there when this was built")
        end
        local program = compile("layer_uses", "layer_uses.c made_up_driver.c -ldl")
        local submits = compare("", quote(program) .. " " .. quote(layer))
        assert(#submits > 30)
    end)
end)
