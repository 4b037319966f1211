-- `freehold record`: runs a program with the Vulkan layer that records what it does with memory.
--
-- Stock Lua starts programs by the shell alone. So the environment is set there, in the process
-- that then becomes the program: what the program gets and gives, signals and the exit code
-- included, is its own. The layer tells by lines in a file what it recorded; src/layer/tape.c has
-- their shape.

local fh = require "freehold"
local size = require "freehold.cli.size"
local text = require "freehold.cli.text"

local command = {}

local LAYER = "VK_LAYER_FREEHOLD_record"
local MANIFEST = "VkLayer_freehold.json"

local function to_frames(source)
    local first, last = source:match("^(%d+)%.%.(%d+)$")
    first, last = math.tointeger(tonumber(first or 1)), math.tointeger(tonumber(last or source))
    if not (source:find("^[%d.]+$") and first and last and 1 <= first and first <= last) then
        return nil, ("'%s' is neither a count of frames nor FIRST..LAST, such as 100..200.")
            :format(source)
    end
    return source
end

--- Adds the command to the parser of `freehold`.
function command.describe(parser)
    parser:summary "run a program, and record what it does with GPU memory"
    parser:description(
        "Runs a program that uses Vulkan, and records what it allocates, binds, maps, uses and\n"
        .. "frees into a trace. The program is not changed, and sees nothing of it: a layer of\n"
        .. "Vulkan looks on. Its input, output and exit code are its own.")
    parser:usage "Usage: freehold record [-h] [-o FILE] [--frames N|A..B] [--] PROGRAM [ARG] ..."
    parser:argument("program", "what to run"):argname "PROGRAM"
    parser:argument("arguments", "of the program"):argname "ARG":args "*"
    parser:option("-o --output", "the trace, which is replaced when something is recorded "
        .. "(default: the program's name and .fhtrace, in this folder); %p in it becomes the "
        .. "number of the process"):argname "FILE"
    parser:option("--frames", "stop recording after that many frames, while the program goes on; "
        .. "A..B leaves out also the work of those before A. A frame ends at a present, or, in a "
        .. "program that cannot present, at a submit"):argname "N|A..B":convert(to_frames)
    parser:epilog([[
Examples:
   freehold record vkcube
   freehold record -o game.fhtrace --frames 2000 ./game --level 3
   freehold record -- sh -c "cd demo && ./run"     what it starts is recorded, too
   freehold replay vkcube.fhtrace --policy budget  what would a policy have saved?

Of several processes the first that uses Vulkan has the file; those after it put
their number before its ending: game.fhtrace, game.1234.fhtrace. A program that is
killed leaves what was written until then, which can be replayed.

What is recorded: devices, driver memory, buffers and images with their requirements,
where they were bound, maps, submits and which resources they use, presents, budgets
that the program asked for, and names. Not what is in them.]])
end

--- The command line with "--" before the program, so that its options are not taken for ours.
function command.prepare(argv)
    local taking = { ["-o"] = true, ["--output"] = true, ["--frames"] = true }
    local at = 2
    while argv[at] and argv[at]:find("^-.") do
        if argv[at] == "--" then
            return argv
        end
        at = at + (taking[argv[at]] and 2 or 1)
    end
    local prepared = table.move(argv, 1, math.min(at - 1, #argv), 1, {})
    if argv[at] then
        prepared[#prepared + 1] = "--"
        table.move(argv, at, #argv, #prepared + 1, prepared)
    end
    return prepared
end

-- `word` as one word of the shell.
local function quote(word)
    return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function is_true(condition)
    return os.execute(condition .. " >/dev/null 2>&1") == true
end

-- The folder of the layer's manifest: beside the module in a build, or in share/.
local function find_layer(host)
    local module = package.searchpath("freehold", package.cpath) or "./freehold.so"
    local folder = module:match("^(.*)/[^/]*$") or "."
    local places = {
        folder, folder .. "/../../../share/vulkan/explicit_layer.d",
        "/usr/local/share/vulkan/explicit_layer.d", "/usr/share/vulkan/explicit_layer.d",
    }
    for _, place in ipairs(places) do
        if is_true("test -f " .. quote(place .. "/" .. MANIFEST)) then
            return place
        end
    end
    host.fail(("the recording layer is not there: no %s in %s or %s. It is built where Vulkan's "
        .. "headers are: install libvulkan-dev, then build again."):format(MANIFEST, places[1],
        places[2]))
end

local function check_program(host, program)
    -- The shell finds its own words, too, which are no programs.
    local found = program:find("/", 1, true) and "test -e " .. quote(program)
        or "command -v -- " .. quote(program)
    if not is_true(found) then
        host.finish(127, ("there is no program '%s'. Give the name of one, or its path.")
            :format(program))
    end
end

-- The file as the user named it, made sure that it can be written; and what a file of that name is
-- called meanwhile, nil when there is none, or one for each process is wanted. The layer records
-- into files that it makes, and leaves alone what it finds: so the old one steps aside, as it is,
-- also a link, and comes back when nothing took its place.
local function prepare_file(host, args, list)
    local file = args.output or args.program:match("([^/]*)/*$") .. ".fhtrace"
    if file:find("%p", 1, true) then
        return file
    end
    local function fail(why)
        host.fail(("cannot write %s. Give a file in a folder that is there, and yours to write to.")
            :format(why))
    end
    local word = quote(file:gsub("^%-", "./-"))
    if is_true(("test -e %s && ! test -f %s"):format(word, word)) then
        host.misuse(("%s is no file. Give the name of one, which will be replaced.")
            :format(file))
    end
    local is_there = is_true("test -e " .. word)
    if is_there or not is_true("test -L " .. word) then
        local opened, why = io.open(file, "ab")
        if not opened then
            fail(why)
        end
        opened:close()
        if not is_there then
            os.remove(file)
            return file
        end
    end
    local aside = file .. "." .. list:match("[^/_]*$")
    local moved, why = os.rename(file, aside)
    if not moved then
        fail(why)
    end
    return file, aside
end

-- Whether something was recorded into the file; otherwise what was there before is there again.
local function settle_file(file, aside)
    local opened = io.open(file, "rb")
    local size_now = opened and opened:seek("end") or 0
    if opened then
        opened:close()
    end
    if size_now > 0 then
        os.remove(aside)
    else
        os.rename(aside, file)
    end
end

-- What the shell is told. A loader reads VK_ADD_LAYER_PATH from 1.3.234 on, and ignores it where
-- VK_LAYER_PATH takes the place of the system's folders.
local function script(args, layer, file, list)
    local function absolute(path)
        return path:sub(1, 1) == "/" and quote(path) or '"$PWD"/' .. quote(path)
    end
    local words = { "exec", quote(args.program) }
    for _, word in ipairs(args.arguments) do
        words[#words + 1] = quote(word)
    end
    return table.concat({
        'if [ -n "$VK_LAYER_PATH" ]; then',
        'export VK_LAYER_PATH="$VK_LAYER_PATH":' .. absolute(layer),
        "else",
        "export VK_ADD_LAYER_PATH=" .. absolute(layer)
            .. '"${VK_ADD_LAYER_PATH:+:$VK_ADD_LAYER_PATH}"',
        "fi",
        'export VK_INSTANCE_LAYERS="${VK_INSTANCE_LAYERS:+$VK_INSTANCE_LAYERS:}' .. LAYER .. '"',
        "export FREEHOLD_RECORD_FILE=" .. absolute(file),
        "export FREEHOLD_RECORD_LIST=" .. quote(list),
        "export FREEHOLD_RECORD_FRAMES=" .. quote(args.frames or ""),
        table.concat(words, " "),
    }, "\n")
end

-- What the list of a recording tells that one inside it did the work.
local INSIDE = "inside"

-- Tells the recording around this one, if there is one.
local function tell_outer()
    local outer = os.getenv "FREEHOLD_RECORD_LIST"
    local file = outer and io.open(outer, "ab")
    if file then
        file:write(INSIDE, "\n")
        file:close()
    end
end

-- What each process told: a list of { path, events, dropped, bytes, frames }, all but the path nil
-- for one that did not come to its end, or { path, why }. And whether a recording inside this one
-- said that it did the work.
local function read_list(path)
    local processes, by_number, inside = {}, {}, false
    for line in io.lines(path) do
        local fields = {}
        for field in (line .. "\t"):gmatch("([^\t]*)\t") do
            fields[#fields + 1] = field
        end
        local what, number = fields[1], fields[2]
        if what == "begin" or what == "failed" then
            by_number[number] = { path = fields[3], why = fields[4] }
            processes[#processes + 1] = by_number[number]
        elseif what == "end" and by_number[number] then
            local process = by_number[number]
            process.events = math.tointeger(fields[3])
            process.dropped = math.tointeger(fields[4])
            process.bytes = math.tointeger(fields[5])
            process.frames = math.tointeger(fields[6])
        end
        inside = inside or what == INSIDE
    end
    return processes, inside
end

-- A path of the layer's, as the user names files: `file` is what was asked for.
local function short(path, file)
    local folder = (os.getenv("PWD") or "") .. "/"
    local is_inside = file:sub(1, 1) ~= "/" and path:sub(1, #folder) == folder
    return is_inside and path:sub(#folder + 1) or path
end

local function plural(count, noun)
    return ("%d %s%s"):format(count, noun, count == 1 and "" or "s")
end

-- Of a process that did not come to its end the trace itself knows more.
local function look_at(process)
    local reader = fh.trace_reader(process.path)
    if not reader then
        return
    end
    process.frames = 0
    for event in reader:events() do
        process.frames = process.frames + (event.kind == "frame" and 1 or 0)
    end
    local info = reader:info()
    process.events, process.dropped = info.event_count, info.dropped_count
    process.bytes = info.file_bytes
    reader:close()
end

local function tell(line)
    io.stderr:write("freehold: ", text.clean(line, true), "\n")
end

-- Words of the shell, as people would write them.
local function as_word(word)
    return word:find("^[%w_./+=@%%-]+$") and word or quote(word)
end

local function tell_process(process, file)
    if process.why then
        return -- the layer has said it
    end
    local path, came_to_end = short(process.path, file), process.events ~= nil
    if not came_to_end then
        look_at(process)
    end
    local what = process.events and ("%s, %s into %s (%s)."):format(
        plural(process.events, "event"), plural(process.frames, "frame"), path,
        size.format(process.bytes)) or path .. "."
    if (process.dropped or 0) > 0 then
        what = what .. (" %s more were lost: the recorder could not keep up.")
            :format(process.dropped)
    end
    if not came_to_end then
        what = what .. "\nThe program did not come to its end; what it had done until about a "
            .. "second before is there."
    end
    tell("recorded " .. what)
end

local function tell_nothing(args, layer, inside)
    if inside then
        tell(("nothing was recorded here: %s ran a freehold record of its own, which says above "
            .. "what it recorded. One is enough."):format(args.program))
        return
    end
    local loader, why = package.loadlib("libvulkan.so.1", "*")
    tell(("nothing was recorded: %s made no Vulkan instance, or its loader did not take the "
        .. "layer, or it sets the FREEHOLD_RECORD_ variables itself, and so records elsewhere.\n%s")
        :format(args.program, loader
            and ("Loaders before 1.3.234 do so with: VK_LAYER_PATH=%s freehold record ...")
                :format(as_word(layer))
            or ("This system has no Vulkan loader: %s"):format(why)))
end

-- A file that is gone when its scope ends, whatever ends it.
local function temporary()
    return setmetatable({ path = os.tmpname() }, {
        __close = function(self)
            os.remove(self.path)
        end,
    })
end

--- Runs the command.
function command.run(args, host)
    local layer = find_layer(host)
    check_program(host, args.program)
    local list <close> = temporary()
    local file, aside = prepare_file(host, args, list.path)
    host.flush()
    local _, how, code = os.execute(script(args, layer, file, list.path))
    if aside then
        settle_file(file, aside)
    end
    local processes, inside = read_list(list.path)
    tell_outer()
    for _, process in ipairs(processes) do
        tell_process(process, file)
    end
    local good
    for _, process in ipairs(processes) do
        good = good or process.events and process.events > 0 and process
    end
    if good then
        tell("next: freehold replay " .. as_word(short(good.path, file)))
    elseif #processes == 0 then
        tell_nothing(args, layer, inside)
    end
    host.finish(how == "signal" and 128 + code or code)
end

return command
