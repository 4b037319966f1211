// The figures side by side, what caused them, and what was recorded.

const FIGURES = [
    ["Memory", [
        { name: "Reserved, peak", get: (f) => f.total.reserved_peak, unit: "bytes", good: -1,
            hint: "The most that the driver gave: blocks and dedicated allocations" },
        { name: "Reserved, mean", get: (f) => f.total.reserved_mean, unit: "bytes", good: -1 },
        { name: "Committed, peak", get: (f) => f.total.committed_peak, unit: "bytes", good: 0,
            hint: "The most that the program asked for, and had" },
        { name: "Committed, mean", get: (f) => f.total.committed_mean, unit: "bytes", good: 0 },
        { name: "Waste, peak", get: (f) => f.waste_peak, unit: "bytes", good: -1,
            hint: "Reserved, and not committed" },
        { name: "Waste, mean", get: (f) => f.waste_mean, unit: "bytes", good: -1 },
        { name: "Fragmentation, peak", get: (f) => f.fragmentation_peak_ppm, unit: "ppm", good: -1,
            hint: "What part of the free bytes lies outside the largest gap" },
        { name: "Fragmentation, mean", get: (f) => f.fragmentation_mean_ppm, unit: "ppm",
            good: -1 },
    ]],
    ["Driver", [
        { name: "Allocations", get: (f) => f.driver_alloc_count, unit: "count", good: -1,
            hint: "Calls to the driver for memory" },
        { name: "Frees", get: (f) => f.driver_free_count, unit: "count", good: 0 },
        { name: "Bytes allocated", get: (f) => f.driver_alloc_bytes, unit: "bytes", good: -1,
            hint: "All allocations together" },
    ]],
    ["Requests", [
        { name: "Requests", get: (f) => f.request_count, unit: "count", good: 0,
            hint: "Resources that asked for memory" },
        { name: "Bytes requested", get: (f) => f.request_bytes, unit: "bytes", good: 0 },
        { name: "Refused", get: (f) => f.refused_count, unit: "count", good: -1 },
        { name: "Bytes refused", get: (f) => f.refused_bytes, unit: "bytes", good: -1 },
        { name: "Misses", get: (f) => f.miss_count, unit: "count", good: -1,
            hint: "Uses of a resource that had no memory" },
        { name: "Frames over budget", get: (f) => f.frames_over_budget, unit: "count", good: -1,
            hint: "Frames that ended with a heap over its budget, or the total over its limit" },
    ]],
    ["Movement", [
        { name: "Evicted", get: (f) => f.evicted_count, unit: "count", good: -1 },
        { name: "Bytes evicted", get: (f) => f.evicted_bytes, unit: "bytes", good: -1 },
        { name: "Used again", get: (f) => f.reload_count, unit: "count", good: -1,
            hint: "Evicted or refused, and then used: charged again" },
        { name: "Bytes reloaded", get: (f) => f.reload_bytes, unit: "bytes", good: -1 },
        { name: "Moved", get: (f) => f.moved_count, unit: "count", good: 0,
            hint: "By defragmentation" },
        { name: "Bytes moved", get: (f) => f.moved_bytes, unit: "bytes", good: 0 },
    ]],
    ["Scripts", [
        { name: "Decisions", get: (f) => f.decision_count, unit: "count", good: 0 },
        { name: "Decisions that failed", get: (f) => f.decision_failed_count, unit: "count",
            good: -1 },
    ]],
    ["Timing, of this machine and moment", [
        { name: "Replay took", get: (f, t) => t.wall_ns, unit: "ns", good: 0 },
        { name: "In scripts", get: (f, t) => t.policy_ns, unit: "ns", good: 0 },
        { name: "Decisions a second", get: (f, t) => t.decisions_per_second, unit: "rate",
            good: 0 },
    ]],
];

const UNIT_TEXT = {
    bytes: bytesText, count: countText, ppm: ppmText, ns: timeText, rate: rateText,
};

function readFigure(row, run) {
    const figures = { total: {}, heaps: [], ...run.figures };
    const value = row.get(figures, run.timing || {});
    return Number.isFinite(value) ? value : null;
}

// How a value stands to what is compared with: nothing where it is that, or cannot be compared.
// Neither better nor worse is said by colour alone.
function difference(row, value, base) {
    if (value === null || base === null) {
        return null;
    } else if (value === base) {
        return el("span", { class: "delta same" }, "same");
    }
    const text = UNIT_TEXT[row.unit];
    const change = value - base;
    if (Math.abs(change) < (row.unit === "ppm" ? 500 : Math.abs(base) * 0.0005)) {
        return el("span", { class: "delta same", title: text(base) }, "about the same");
    }
    const sign = (amount, words) => (amount > 0 ? "+" : MINUS) + words.replace(MINUS, "");
    const parts = [sign(change, text(Math.abs(change)))];
    if (base !== 0 && row.unit !== "ppm") {
        parts.unshift(sign(change, percentText(Math.abs(change) / base)));
    } else if (row.unit === "ppm") {
        parts[0] = sign(change, (Math.abs(change) / 1e4).toFixed(1)) + " points";
    }
    const verdict = row.good === 0 ? "" : (change > 0) === (row.good > 0) ? "better" : "worse";
    return el("span", { class: "delta " + verdict }, parts.join(" · "),
        verdict ? el("b", { title: verdict }, verdict === "better" ? " \u2714" : " \u2716",
            el("span", { class: "unseen" }, " " + verdict)) : null);
}

function heapRows(view) {
    const rows = [];
    const count = Math.max(0, ...view.runs.map((run) => run.figures.heaps.length));
    if (count < 2) {
        return rows;
    }
    [...Array(count).keys()].forEach((i) => {
        const of = (name) => (f) => (f.heaps[i] ? f.heaps[i][name] : undefined);
        const name = view.heapText(i);
        rows.push(
            { name: name + ", reserved, peak", get: of("reserved_peak"), unit: "bytes", good: 0 },
            { name: name + ", reserved, mean", get: of("reserved_mean"), unit: "bytes", good: 0 },
            { name: name + ", committed, peak", get: of("committed_peak"), unit: "bytes",
                good: 0 });
    });
    return rows;
}

function scroller(label, table) {
    return el("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": label },
        table);
}

function runHeads(view, base) {
    return view.runs.map((run) => el("th", { scope: "col", class: "number" }, swatch(run),
        el("span", { class: "run-name" }, run.name),
        run === base && view.runs.length > 1
            ? el("span", { class: "muted small" }, "compared with") : null));
}

// Figures × runs. Rows in which all runs have nothing are named below the table.
function differencesTable(view) {
    const base = view.base;
    const body = [];
    const zero = [];
    const groups = FIGURES.map(([title, rows]) => [title, rows]);
    groups.splice(1, 0, ["Heaps", heapRows(view)]);
    for (const [title, rows] of groups) {
        const lines = [];
        for (const row of rows) {
            const values = view.runs.map((run) => readFigure(row, run));
            if (values.every((value) => !value)) {
                if (values.some((value) => value === 0)) {
                    zero.push(row.name);
                }
                continue;
            }
            const against = base ? readFigure(row, base) : null;
            lines.push(el("tr", {},
                el("th", { scope: "row", title: row.hint }, row.name),
                ...view.runs.map((run, i) => el("td", { class: "number" },
                    values[i] === null ? el("span", { class: "muted" }, "–")
                        : UNIT_TEXT[row.unit](values[i]),
                    run === base || row.unit === "ns" || row.unit === "rate" ? null
                        : difference(row, values[i], against)))));
        }
        if (lines.length > 0) {
            body.push(el("tr", { class: "group" },
                el("th", { scope: "rowgroup", colspan: view.runs.length + 1 },
                    el("span", {}, title))), ...lines);
        }
    }
    const note = zero.length === 0 ? null
        : el("p", { class: "caption" },
            "Zero in every run: " + zero.join(" · ").toLowerCase() + ".");
    const key = view.runs.length < 2 ? null : el("p", { class: "legend" },
        el("span", { class: "delta better" }, el("b", {}, "\u2714"), " better"),
        el("span", { class: "delta worse" }, el("b", {}, "\u2716"), " worse than "
            + base.name));
    return el("div", {}, key, scroller("Differences", el("table", { class: "figures" },
        el("thead", {}, el("tr", {}, el("td", {}), ...runHeads(view, base))),
        el("tbody", {}, ...body))), note);
}

const FATES = ["placed", "evicted", "refused"];

// How many resources of a cause came to this, and their bytes.
function fateText(cause, fate) {
    const count = cause[fate + "_count"] || 0;
    return count === 0 ? "–"
        : countText(count) + " (" + bytesText(cause[fate + "_bytes"] || 0) + ")";
}

// What scripts decided, line by line; the native rules, too.
function decisionsTable(view) {
    const rows = [];
    for (const run of view.runs) {
        const causes = run.causes.filter((cause) => cause.decision_count || cause.resource_count);
        causes.sort((a, b) => (b.bytes || 0) - (a.bytes || 0)
            || (b.decision_count || 0) - (a.decision_count || 0));
        causes.forEach((cause, i) => rows.push(el("tr", { class: i === 0 ? "first" : false },
            el("th", { scope: "row" }, i === 0 ? swatch(run) : null,
                el("span", { class: i === 0 ? "run-name" : "unseen" }, run.name)),
            el("td", { class: "code" }, cause.script ? cause.script + ":" + cause.line
                : "native rules"),
            el("td", {}, cause.hook || ""),
            el("td", { class: "number" }, countText(cause.decision_count || 0)),
            ...FATES.map((fate) => el("td", { class: "number" }, fateText(cause, fate))),
            el("td", { class: "answer" }, cause.answer || ""))));
    }
    if (rows.length === 0) {
        return el("p", { class: "caption" },
            "No script decided anything: native rules, or what the program did itself.");
    }
    const heads = ["Run", "Line", "Hook", "Decisions", "Placed", "Evicted", "Refused",
        "Last answer"];
    return scroller("Decisions", el("table", { class: "decisions" },
        el("thead", {}, el("tr", {}, ...heads.map((head, i) => (
            el("th", { scope: "col", class: i >= 3 && i <= 6 ? "number" : false }, head))))),
        el("tbody", {}, ...rows)));
}

function factRow(name, value) {
    return value ? el("div", {}, el("dt", {}, name), el("dd", {}, value)) : null;
}

// What was recorded, and how it was replayed.
function factsList(view) {
    const { trace, profile, what_if: whatIf, frames } = view.data;
    const { device } = trace;
    const heaps = device.heaps.map((heap, i) => i + ": " + bytesText(heap.size || 0) + " "
        + (heap.device_local ? "device" : "host")).join(", ");
    const by = { presents: "by presents", submits: "by submits", time: "by time" };
    return el("dl", { class: "facts" },
        factRow("Trace", trace.path), factRow("Recorded by", trace.tool),
        factRow("Device", [device.name, device.api].filter(Boolean).join(", ")),
        factRow("Heaps", heaps),
        factRow("Frames", trace.frame_count === undefined ? ""
            : countText(trace.frame_count) + (by[trace.frames_by] ? ", "
                + by[trace.frames_by] : "")),
        factRow("Duration", trace.duration_ns ? timeText(trace.duration_ns) : ""),
        factRow("Events", trace.event_count === undefined ? "" : countText(trace.event_count)),
        factRow("Recorded peak", trace.peak_reserved
            ? bytesText(trace.peak_reserved) + " reserved, "
                + bytesText(trace.peak_committed || 0) + " committed" : ""),
        factRow("Profile", profile), factRow("What if", whatIf.join(", ")),
        factRow("Figures count", frames.length === 2
            && (frames[0] > 1 || frames[1] < trace.frame_count)
            ? "frames " + countText(frames[0]) + " to " + countText(frames[1]) : ""));
}

function optionText(value, type) {
    return type === "bytes" && typeof value === "number" ? bytesText(value) : String(value);
}

// One card for each run: its peak, and what it cost.
function runCard(view, run, most) {
    const figures = { total: {}, ...run.figures };
    const peak = figures.total.reserved_peak || 0;
    const committed = Math.min(figures.total.committed_peak || 0, peak);
    const part = (value) => (most > 0 ? (value / most) * 100 : 0).toFixed(2) + "%";
    const facts = [["mean", bytesText(figures.total.reserved_mean || 0)],
        ["driver allocations", countText(figures.driver_alloc_count || 0)],
        ["refused", countText(figures.refused_count || 0)],
        ["evicted", countText(figures.evicted_count || 0)]];
    const options = Object.entries(run.options).sort()
        .map(([name, value]) => name + " = " + optionText(value, run.option_types[name]))
        .join(", ");
    const scripts = run.policy.join(", ");
    return el("li", { class: "card" },
        el("h3", {}, swatch(run), el("span", { class: "run-name" }, run.name)),
        el("p", { class: "big" }, bytesText(peak), el("span", { class: "muted" }, " at most")),
        run === view.base || !view.base ? el("p", { class: "small muted" },
            view.runs.length > 1 ? "what the others are compared with" : "reserved")
            : el("p", { class: "small" }, difference(FIGURES[0][1][0], peak,
                readFigure(FIGURES[0][1][0], view.base))),
        el("div", { class: "bar", role: "img", "aria-label": bytesText(committed)
            + " of it committed at most", title: "dark: committed, light: reserved" },
        el("i", { class: "reserved", style: `width:${part(peak)};background:var(--${
            run.style.name})` }),
        el("i", { class: "committed", style: `width:${part(committed)};background:var(--${
            run.style.name})` })),
        el("dl", { class: "small" }, ...facts.map(([name, value]) => (
            el("div", {}, el("dt", {}, name), el("dd", {}, value))))),
        scripts || options ? el("p", { class: "small muted wrap" },
            [scripts, options].filter(Boolean).join(": ")) : null);
}

function runCards(view) {
    const most = Math.max(0, ...view.runs.map((run) => (
        (run.figures.total && run.figures.total.reserved_peak) || 0)));
    return el("ul", { class: "cards" }, ...view.runs.map((run) => runCard(view, run, most)));
}

// Several traces: the peaks of all, and which is shown.
function overviewTable(views, current, choose) {
    const names = [];
    for (const view of views) {
        for (const run of view.runs) {
            if (!names.includes(run.name)) {
                names.push(run.name);
            }
        }
    }
    const row = FIGURES[0][1][0];
    return scroller("Traces", el("table", { class: "figures overview" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Reserved, peak"),
            ...names.map((name) => el("th", { scope: "col", class: "number" }, name)))),
        el("tbody", {}, ...views.map((view, i) => el("tr", {},
            el("th", { scope: "row" }, el("button", {
                type: "button", class: "link", "aria-pressed": String(view === current),
                onclick: () => choose(i),
            }, view.title)),
            ...names.map((name) => {
                const run = view.runs.find((one) => one.name === name);
                const value = run ? readFigure(row, run) : null;
                return el("td", { class: "number" }, value === null ? "–" : bytesText(value),
                    !run || run === view.base || !view.base ? null
                        : difference(row, value, readFigure(row, view.base)));
            }))))));
}
