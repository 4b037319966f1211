// The page: what is read from it, and how its parts stand together.

// A comparison as the parts see it: runs with their lines, frames and their times, names.
class View {
    constructor(data) {
        this.data = data;
        this.axis = data.axis;
        this.ends = unpack(data.axis.ends);
        this.range = new Range(data.axis.first - 1, Math.max(data.axis.last, data.axis.first));
        this.listeners = [];
        this.heap = -1;
        this.showCommitted = false;
        const path = data.trace.path || "a trace";
        this.title = data.trace.program || path.replace(/^.*[/\\]/, "");
        // Frames before it are played, and do not count.
        this.counted = data.frames.length > 0 ? data.frames[0] - 1 : this.range.low;
        this.words = data.resources.words;
        let policies = 0;
        this.runs = data.runs.map((run) => {
            const style = runStyle(run.as_recorded ? 0 : policies, run.as_recorded);
            policies += run.as_recorded ? 0 : 1;
            return { ...run, style, visible: true, read: readLines(run.lines) };
        });
        this.base = this.runs.find((run) => run.as_recorded) || this.runs[0] || null;
        this.heapCount = this.runs.reduce((most, run) => Math.max(most, Math.min(
            run.read.heaps.length, this.deviceOf(run).heaps.length || run.read.heaps.length)), 0);
        this.markedRuns = this.runs.filter((run) => (
            MARKS.some((mark) => run.lines[mark.name].length > 0)));
    }

    shown() {
        return this.runs.filter((run) => run.visible);
    }

    changed() {
        for (const listener of this.listeners) {
            listener();
        }
    }

    // The heaps and memory types of a run: its own, or those of the trace, unless it ran on another
    // card.
    deviceOf(run) {
        const other = this.data.profile !== "as recorded" && !run.as_recorded;
        return run.device || (other ? { heaps: [], types: [] } : this.data.trace.device);
    }

    // What a heap is called: of one run, or of all, as far as they agree.
    heapText(heap, run) {
        const words = new Set((run ? [run] : this.runs).map((one) => {
            const found = this.deviceOf(one).heaps[heap];
            return found ? found.device_local ? ", device" : ", host" : "";
        }));
        return "Heap " + heap + (words.size === 1 ? [...words][0] : "");
    }

    resource(place) {
        if (place < 0) {
            const nothing = { format: "", usage: "", extent: "", location: "" };
            return { kind: "raw", name: "", id: 0, ...nothing };
        }
        const { columns } = this.data.resources;
        const word = (name) => this.words[columns[name][place]];
        return {
            id: columns.id[place], kind: word("kind"), name: word("name"), format: word("format"),
            usage: word("usage"), extent: word("extent"), location: word("location"),
        };
    }

    // The number of the frame in which a place among the frames is.
    frameText(at) {
        return countText(clamp(Math.ceil(at - 1e-6) || 1, this.axis.first, this.axis.last));
    }

    // When it was, in ns of the trace; NaN where the trace does not say.
    timeAt(at) {
        const { axis, ends } = this;
        const place = clamp((at - this.range.low) / axis.step, 0, axis.count);
        const i = Math.min(Math.floor(place), axis.count - 1);
        const from = i > 0 ? ends[i - 1] : axis.first === 1 ? 0 : ends[0];
        return from + (ends[i] - from) * (place - i);
    }

    lifeText(born, gone) {
        const ns = this.timeAt(gone) - this.timeAt(born);
        return ns > 0 ? ", " + timeText(ns) : "";
    }

    // What a point of the lines is: its frames, and its time.
    pointText(i) {
        const { axis } = this;
        const first = axis.first + i * axis.step;
        const last = Math.min(first + axis.step - 1, axis.last);
        const frames = first === last ? "frame " + countText(first)
            : "frames " + countText(first) + " to " + countText(last);
        return Number.isNaN(this.ends[i]) ? frames : frames + " · " + timeText(this.ends[i]);
    }
}

function readLine(line) {
    return line ? { high: unpack(line.high), low: line.low ? unpack(line.low) : null } : null;
}

function readLines(lines) {
    const read = {};
    for (const name of ["reserved", "committed", "waste", "fragmentation", "driver_allocs", "limit",
        "budget"]) {
        read[name] = readLine(lines[name]);
    }
    read.heaps = lines.heaps.map((heap) => ({
        reserved: readLine(heap.reserved), committed: readLine(heap.committed),
    }));
    return read;
}

function section(title, caption, ...children) {
    return el("section", {}, el("h2", {}, title),
        caption ? el("p", { class: "caption" }, caption) : null, ...children);
}

// Lines that are the same for several runs are one.
function merged(references) {
    const list = [];
    for (const one of references) {
        const same = list.find((other) => other.word === one.word
            && other.values.every((value, i) => Object.is(value, one.values[i])));
        if (same) {
            same.runs.push(one.run);
        } else {
            list.push({ ...one, runs: [one.run] });
        }
    }
    return list.map(({ word, runs, values, dash, all }) => {
        const own = runs.length === 1 && !all;
        const last = values.findLast((value) => !Number.isNaN(value)) || 0;
        return {
            values, dash, color: own ? runs[0].style.name : "reference",
            text: word + " " + bytesText(last) + (own ? " (" + runs[0].name + ")" : ""),
        };
    });
}

function constant(view, value) {
    return new Float64Array(view.axis.count).fill(value);
}

// Limit, watermarks and budget as lines: of all heaps, or of one.
function references(view) {
    const list = [];
    const some = (values) => values.some((value) => !Number.isNaN(value));
    for (const run of view.shown()) {
        const budget = view.heap < 0 ? run.read.budget && run.read.budget.high
            : constant(view, (run.figures.heaps[view.heap] || {}).budget || NaN);
        if (budget && some(budget)) {
            list.push({ word: "budget", run, values: budget, dash: [8, 4], all: true });
        }
        const limit = view.heap < 0 && run.read.limit ? run.read.limit.high : null;
        if (limit && some(limit)) {
            list.push({ word: "limit", run, values: limit, dash: [10, 3, 2, 3] });
            for (const part of run.watermarks) {
                list.push({ word: percentText(part) + " mark", run, dash: [1, 3],
                    values: limit.map((value) => value * part) });
            }
        }
    }
    if (view.heap >= 0) {
        for (const run of view.shown()) {
            const heap = view.deviceOf(run).heaps[view.heap];
            if (heap && heap.size) {
                list.push({ word: "heap size", run, values: constant(view, heap.size),
                    dash: [2, 2], all: view.data.profile === "as recorded" });
            }
        }
    }
    return merged(list);
}

function linesOf(view, run) {
    const from = view.heap < 0 ? run.read : run.read.heaps[view.heap];
    if (!from || !from.reserved) {
        return null;
    }
    return { ...from.reserved, thin: view.showCommitted ? from.committed : null };
}

function timelineSection(view) {
    const chart = new LineChart(view, {
        label: "Bytes reserved, over frames, a line for each run. Arrow keys move the crosshair.",
        height: 300, base: 2, marks: true, least: 1024, text: bytesText,
        lines: (run) => linesOf(view, run), references: () => references(view),
    });
    const heaps = view.heapCount;
    const tabs = el("div", { class: "tabs", role: "group", "aria-label": "Heaps" });
    const fillTabs = () => tabs.replaceChildren(
        ...[...Array(heaps + 1).keys()].map((i) => el("button", {
            type: "button", "aria-pressed": String(view.heap === i - 1),
            onclick: () => {
                view.heap = i - 1;
                fillTabs();
                view.changed();
            },
        }, i === 0 ? "All heaps" : view.heapText(i - 1))));
    fillTabs();
    const toggle = el("label", {}, el("input", { type: "checkbox", onchange: (event) => {
        view.showCommitted = event.target.checked;
        view.changed();
    } }), " committed bytes, too, as thin lines");
    const { step } = view.axis;
    const caption = step === 1
        ? "The line is the most within each frame; the shade reaches down to its end."
        : "Each point stands for " + step + " frames: the line is the most within them, the shade "
            + "reaches down to the least.";
    const keys = view.markedRuns.length === 0 ? null : el("p", { class: "legend" },
        el("span", { class: "key refused" }, el("b", {}, "\u00d7"), " refused"),
        el("span", { class: "key evicted" }, el("b", {}, "\u25be"), " evicted"),
        el("span", { class: "key" }, el("b", {}, "\u25b5"), " used again, after it"));
    return section("Bytes reserved", caption,
        el("div", { class: "controls" }, heaps > 1 ? tabs : null, toggle), chart.element, keys);
}

function smallSection(view) {
    const chart = (title, label, options) => el("figure", {}, el("figcaption", {}, title),
        new LineChart(view, { label, height: 170, ...options }).element);
    return section("Waste and fragmentation", null, el("div", { class: "pair" },
        chart("Waste: reserved, and not committed", "Waste over frames", {
            base: 2, least: 1024, text: bytesText, lines: (run) => run.read.waste,
        }),
        chart("Fragmentation: free bytes outside the largest gap", "Fragmentation over frames", {
            base: 10, least: 50000, ceiling: 1e6, text: ppmText,
            lines: (run) => run.read.fragmentation,
        })));
}

function mapSection(view) {
    const mapped = view.runs.filter((run) => run.map);
    if (mapped.length === 0) {
        return section("Blocks", "The runs were replayed without keeping their blocks.");
    }
    const second = mapped.length > 1 ? mapped[1] : null;
    return section("Blocks: lifetime × offset", "What lay where, and when. Two clicks on a block "
        + "show it alone.", new MapPanel(view, mapped[0], false).element,
    second ? new MapPanel(view, second, true).element : null);
}

// The bar that stays: which runs are shown, and which frames.
function toolbar(view) {
    const legend = el("div", { class: "tabs runs", role: "group", "aria-label": "Runs" },
        ...view.runs.map((run) => el("button", {
            type: "button", "aria-pressed": "true", title: "show or hide " + run.name,
            onclick: (event) => {
                run.visible = !run.visible;
                event.currentTarget.setAttribute("aria-pressed", String(run.visible));
                view.changed();
            },
        }, swatch(run), el("span", { class: "run-name" }, run.name))));
    const range = el("span", { class: "range" });
    const middle = () => (view.range.from + view.range.to) / 2;
    const button = (text, label, act) => el("button",
        { type: "button", title: label, "aria-label": label, onclick: act }, text);
    const reset = button("All frames", "show all frames", () => view.range.reset());
    const fill = () => {
        const { from, to } = view.range;
        range.textContent = view.axis.count === 0 ? "no frames" : "frames "
            + view.frameText(from + 1) + " to " + view.frameText(to);
        reset.disabled = view.range.all;
    };
    view.range.listeners.push(fill);
    fill();
    return el("div", { class: "toolbar" }, legend, el("div", { class: "zoom" }, range,
        button(MINUS, "zoom out", () => view.range.zoom(1.5, middle())),
        button("+", "zoom in", () => view.range.zoom(1 / 1.5, middle())), reset));
}

let themeChoice = null;

function themeButton() {
    if (themeChoice) {
        return themeChoice;
    }
    const next = { auto: "light", light: "dark", dark: "auto" };
    const button = el("button", { type: "button", class: "theme", onclick: () => {
        theme.set(next[theme.choice]);
    } });
    const fill = () => {
        button.textContent = "Theme: " + theme.choice;
    };
    theme.listeners.push(fill);
    fill();
    themeChoice = button;
    return button;
}

// What is shown of one comparison; made when it is first shown.
function comparisonParts(view) {
    const { data } = view;
    const parts = data.notes.map((note) => el("p", { class: "note " + note.level },
        el("b", {}, note.level === "warning" ? "\u26a0 " : "\u2139 "), note.text));
    parts.push(factsList(view));
    if (view.runs.length > 0) {
        parts.push(runCards(view), toolbar(view), timelineSection(view), smallSection(view),
            mapSection(view),
            section("Differences", null, differencesTable(view)),
            section("What decided", "Bytes are of the resources that a line placed, evicted or "
                + "refused.", decisionsTable(view)));
    }
    return el("div", {}, ...parts);
}

function showPage(views, place) {
    const view = views[place];
    const version = view ? view.data.freehold + " " : "";
    const page = [
        el("header", {}, el("div", {},
            el("p", { class: "eyebrow" }, "Freehold " + version + "· replay report"),
            el("h1", {}, view ? view.title : "Nothing was recorded")), themeButton()),
    ];
    if (views.length > 1) {
        page.push(section("Traces", "A click on a trace shows it below.",
            overviewTable(views, view, (i) => showPage(views, i))));
    }
    if (view) {
        view.element = view.element || comparisonParts(view);
        page.push(view.element);
    }
    page.push(el("footer", {}, "Drag over a chart to zoom in, with Shift to pan; Ctrl and the "
        + "wheel zoom; two clicks show all frames. By keys: + and \u2212 zoom, 0 shows all, arrows "
        + "move the crosshair or go from span to span."));
    tip.hide();
    document.getElementById("page").replaceChildren(...page);
}

function start() {
    theme.start();
    const data = JSON.parse(document.getElementById("data").textContent);
    const views = data.comparisons.map((comparison) => new View(comparison));
    theme.listeners.push(() => views.forEach((view) => {
        view.changed();
        view.range.changed();
    }));
    showPage(views, 0);
}

start();
