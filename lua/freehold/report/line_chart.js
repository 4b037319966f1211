// A chart of lines over frames, one for each run. A point may stand for several frames: the line
// follows their most, and the shade below it reaches down to their least.

const GUTTER = 66;
const LANE = 17;
const LANES_GAP = 6;
const LABEL = 13; // the height of a label
const MARKS = [
    { name: "refused", color: "refused", word: "refused" },
    { name: "evicted", color: "evicted", word: "evicted" },
    { name: "reloaded", color: "muted", word: "used again" },
];

// A piece of a run's line, for legends and tables.
function swatch(run) {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    const line = document.createElementNS(ns, "line");
    const style = { class: "swatch", viewBox: "0 0 26 8", width: 26, height: 8 };
    svg.setAttribute("aria-hidden", "true");
    for (const [key, value] of Object.entries(style)) {
        svg.setAttribute(key, value);
    }
    const stroke = {
        x1: 0, x2: 26, y1: 4, y2: 4, stroke: `var(--${run.style.name})`,
        "stroke-width": run.style.width + 0.5, "stroke-dasharray": run.style.dash.join(" "),
    };
    for (const [key, value] of Object.entries(stroke)) {
        line.setAttribute(key, value);
    }
    svg.append(line);
    return svg;
}

function paintMark(context, name, x, y) {
    context.beginPath();
    if (name === "refused") {
        context.moveTo(x - 2.5, y - 2.5);
        context.lineTo(x + 2.5, y + 2.5);
        context.moveTo(x + 2.5, y - 2.5);
        context.lineTo(x - 2.5, y + 2.5);
        context.stroke();
    } else if (name === "evicted") {
        context.moveTo(x - 3, y - 2);
        context.lineTo(x + 3, y - 2);
        context.lineTo(x, y + 2.5);
        context.fill();
    } else {
        context.moveTo(x - 2.5, y + 2);
        context.lineTo(x + 2.5, y + 2);
        context.lineTo(x, y - 2);
        context.closePath();
        context.stroke();
    }
}

// What `lines` has for the point `at`, of the packed pairs of places and counts.
function countAt(pairs, at) {
    for (let i = 0; i < pairs.length; i += 2) {
        if (pairs[i] === at) {
            return pairs[i + 1];
        }
    }
    return 0;
}

class LineChart {
    // options: label; height; base: 2 (bytes) or 10; text(value); lines(run) → { high, low, thin }
    // or null; references() → [{ text, color, dash, values }]; marks: whether to show what
    // happened; ceiling: the most that there can be.
    constructor(view, options) {
        this.view = view;
        this.options = options;
        const marked = options.marks ? view.markedRuns.length : 0;
        this.lanes = marked > 0 ? marked * LANE + LANES_GAP : 0;
        const height = options.height + this.lanes;
        this.surface = new Surface(height, options.label, (...all) => this.paint(...all));
        this.element = this.surface.box;
        this.plot = { left: GUTTER, right: 0, top: 12, bottom: 0 };
        this.dragged = null;
        const frameAt = steerRange(this.surface, view.range, () => this.plot, (dragged) => {
            this.dragged = dragged;
            this.surface.ask();
        });
        const canvas = this.surface.canvas;
        canvas.addEventListener("pointermove", (event) => {
            this.point(frameAt(this.surface.at(event).x), event.clientX, event.clientY);
        });
        canvas.addEventListener("pointerleave", () => this.leave());
        canvas.addEventListener("blur", () => this.leave());
        canvas.addEventListener("keydown", (event) => this.key(event));
        view.range.listeners.push(() => this.surface.ask());
        view.listeners.push(() => this.surface.ask());
    }

    leave() {
        this.view.range.point(null);
        tip.hide();
    }

    key(event) {
        const range = this.view.range;
        const step = this.view.axis.step * (event.shiftKey ? 10 : 1);
        const at = range.hover ?? range.from;
        if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
            const target = clamp(at + (event.key === "ArrowRight" ? step : -step), range.low,
                range.high - 0.5);
            if (target < range.from || target > range.to) {
                range.pan(target - at);
            }
            this.pointByKey(target);
        } else if (event.key === "Home" || event.key === "End") {
            this.pointByKey(event.key === "Home" ? range.from : range.to - 0.5);
        } else if (event.key === "Escape") {
            this.leave();
        } else {
            return;
        }
        event.preventDefault();
    }

    pointByKey(at) {
        const box = this.surface.canvas.getBoundingClientRect();
        this.point(at, box.left + this.x(at), box.top + this.plot.top + 10);
        tip.say(document.getElementById("tip").textContent);
    }

    point(at, x, y) {
        const range = this.view.range;
        if (at < range.from || at > range.to || this.view.axis.count === 0) {
            this.leave();
            return;
        }
        range.point(at);
        tip.show(this.words(at), x, y);
    }

    // The point in which a frame is.
    index(at) {
        const { axis, range } = this.view;
        return clamp(Math.floor((at - range.low) / axis.step), 0, axis.count - 1);
    }

    words(at) {
        const { axis } = this.view;
        const { text } = this.options;
        const i = this.index(at);
        const rows = [];
        for (const run of this.view.shown()) {
            const lines = this.options.lines(run);
            if (!lines || Number.isNaN(lines.high[i])) {
                continue;
            }
            const [high, low] = [lines.high[i], lines.low ? lines.low[i] : lines.high[i]];
            const cells = [el("td", {}, swatch(run)), el("th", {}, run.name),
                el("td", { class: "number" },
                    low === high ? text(high) : text(low) + " – " + text(high))];
            const more = [];
            if (lines.thin) {
                more.push(text(lines.thin.high[i]) + " committed");
            }
            for (const mark of this.options.marks ? MARKS : []) {
                const count = countAt(run.lines[mark.name], i);
                if (count > 0) {
                    more.push(countText(count) + " " + mark.word);
                }
            }
            cells.push(el("td", { class: "muted" }, more.join(", ")));
            rows.push(el("tr", {}, ...cells));
        }
        return [
            el("p", { class: "tip-head" }, this.view.pointText(i)),
            el("table", {}, ...rows),
            axis.step > 1 ? el("p", { class: "muted" }, "least – most of these frames") : null,
        ].filter(Boolean);
    }

    x(at) {
        const { range } = this.view;
        return this.plot.left + ((at - range.from) / (range.to - range.from))
            * (this.plot.right - this.plot.left);
    }

    // The first and last point in view.
    bounds() {
        const { range } = this.view;
        return [this.index(range.from), this.index(range.to - 1e-9)];
    }

    paint(context, width, height) {
        const { view, options, plot } = this;
        const { lanes } = this;
        plot.right = width - 10;
        plot.bottom = height - 22 - lanes;
        const [first, last] = this.bounds();
        const series = view.shown().map((run) => ({ run, lines: options.lines(run) }))
            .filter(({ lines }) => lines);
        let most = 0;
        for (const { lines } of series) {
            for (let i = first; i <= last; i += 1) {
                most = Math.max(most, lines.high[i] || 0);
            }
        }
        const references = options.references ? options.references() : [];
        const near = references.filter(({ values }) => values[last] <= most * 1.6);
        for (const { values } of near) {
            most = Math.max(most, values[last]);
        }
        this.scale(context, most);
        context.save();
        context.beginPath();
        context.rect(plot.left, plot.top - 6, plot.right - plot.left, plot.bottom - plot.top + 7);
        context.clip();
        for (const { run, lines } of series) {
            this.paintRun(context, run, lines, first, last);
        }
        for (const reference of near) {
            this.paintSteps(context, reference.values, first, last, color(reference.color), 1,
                reference.dash);
        }
        context.restore();
        this.paintLabels(context, near, references.filter((one) => !near.includes(one)), last);
        if (options.marks) {
            this.paintMarks(context, plot.bottom + LANES_GAP, first, last);
        }
        paintUncounted(context, view, plot);
        paintFrames(context, view.range, { ...plot, bottom: plot.bottom + lanes });
        paintHover(context, view.range, { ...plot, bottom: plot.bottom + lanes });
        if (this.dragged) {
            context.fillStyle = color("choice");
            context.fillRect(this.dragged.from, plot.top, this.dragged.to - this.dragged.from,
                plot.bottom - plot.top);
        }
        if (series.length === 0) {
            context.fillStyle = color("muted");
            context.textAlign = "center";
            context.fillText(view.shown().length ? "nothing recorded" : "no run is chosen above",
                (plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2);
        }
    }

    scale(context, most) {
        const { plot, options } = this;
        const top = Math.min(options.ceiling || Infinity,
            Math.max(most * 1.08, options.least || 1));
        const { ticks } = ticksOf(0, top, (plot.bottom - plot.top) / 36, options.base);
        this.y = (value) => plot.bottom - (value / top) * (plot.bottom - plot.top);
        context.textAlign = "right";
        context.textBaseline = "middle";
        context.lineWidth = 1;
        for (const tick of ticks) {
            const y = Math.round(this.y(tick)) + 0.5;
            context.strokeStyle = color(tick === 0 ? "axis" : "rule");
            context.beginPath();
            context.moveTo(plot.left, y);
            context.lineTo(plot.right, y);
            context.stroke();
            context.fillStyle = color("muted");
            context.fillText(tick === 0 ? "0" : options.text(tick), plot.left - 8, y);
        }
    }

    paintRun(context, run, lines, first, last) {
        const ink = color(run.style.name);
        if (lines.low) {
            context.fillStyle = ink;
            context.globalAlpha = 0.22;
            context.beginPath();
            this.steps(context, lines.high, first, last, false);
            this.steps(context, lines.low, last, first, true);
            context.fill();
            context.globalAlpha = 1;
        }
        if (lines.thin) {
            context.globalAlpha = 0.75;
            this.paintSteps(context, lines.thin.high, first, last, ink, 0.9, []);
            context.globalAlpha = 1;
        }
        this.paintSteps(context, lines.high, first, last, ink, run.style.width, run.style.dash);
        if (this.options.marks) {
            this.paintPeak(context, lines.high, first, last, ink);
        }
    }

    // A dot where the line is highest, in view.
    paintPeak(context, values, first, last, ink) {
        const { axis, range } = this.view;
        let peak = first;
        for (let i = first; i <= last; i += 1) {
            if (!(values[i] <= values[peak])) {
                peak = i;
            }
        }
        if (values[peak] > 0) {
            context.beginPath();
            context.arc(this.x(range.low + (peak + 0.5) * axis.step), this.y(values[peak]), 3.2, 0,
                2 * Math.PI);
            context.fillStyle = ink;
            context.fill();
            context.lineWidth = 1.5;
            context.strokeStyle = color("panel");
            context.stroke();
        }
    }

    // Adds the steps of a line to the path: from left to right, or back again.
    steps(context, values, from, to, back) {
        const { axis, range } = this.view;
        const left = (i) => this.x(range.low + i * axis.step);
        let pen = back;
        for (let i = from; back ? i >= to : i <= to; i += back ? -1 : 1) {
            if (Number.isNaN(values[i])) {
                pen = back;
                continue;
            }
            const y = this.y(values[i]);
            const [a, b] = back ? [left(i + 1), left(i)] : [left(i), left(i + 1)];
            if (pen) {
                context.lineTo(a, y);
            } else {
                context.moveTo(a, y);
                pen = true;
            }
            context.lineTo(b, y);
        }
    }

    paintSteps(context, values, first, last, ink, width, dash) {
        context.strokeStyle = ink;
        context.lineWidth = width;
        context.lineJoin = "round";
        context.setLineDash(dash);
        context.beginPath();
        this.steps(context, values, first, last, false);
        context.stroke();
        context.setLineDash([]);
    }

    // What the reference lines are, above their right ends, or below where another line is too near
    // above; further left where another label stands there already. Those that are above the
    // picture are said to be.
    paintLabels(context, near, far, last) {
        const { plot } = this;
        context.textAlign = "right";
        context.textBaseline = "bottom";
        const placed = [];
        const place = (text, name, y) => {
            const wide = context.measureText(text).width;
            let right = plot.right - 4;
            const inTheWay = (other) => Math.abs(other.y - y) < LABEL
                && other.left - 14 < right && other.right + 14 > right - wide;
            for (let other = placed.find(inTheWay); other; other = placed.find(inTheWay)) {
                right = other.left - 14;
            }
            if (right - wide > plot.left) {
                placed.push({ y, left: right - wide, right });
                this.paintLabel(context, text, name, right, y);
            }
        };
        const above = far.filter(({ values }) => !Number.isNaN(values[last]))
            .map(({ text }) => text).join(" · ");
        if (above) {
            place(fitText(context, "\u2191 " + above, plot.right - plot.left - 8), "muted",
                plot.top + 4);
        }
        const at = ({ values }) => this.y(values[last]);
        for (const one of [...near].sort((a, b) => at(a) - at(b))) {
            const y = at(one);
            const crossed = near.some((other) => at(other) < y && at(other) > y - LABEL - 2);
            const below = crossed && y + LABEL + 1 < plot.bottom;
            place(one.text, one.color, Math.max(below ? y + LABEL + 1 : y - 2, plot.top + 4));
        }
    }

    paintLabel(context, text, name, x, y) {
        context.lineWidth = 3;
        context.lineJoin = "round";
        context.strokeStyle = color("panel");
        context.strokeText(text, x, y);
        context.fillStyle = color(name);
        context.fillText(text, x, y);
    }

    // One lane for each run to which something happened. Marks that would lie upon each other are
    // drawn as one: how many they are is in the tooltip.
    paintMarks(context, top, first, last) {
        const { view, plot } = this;
        const { axis, range } = view;
        context.font = "10px " + getComputedStyle(document.body).fontFamily;
        view.markedRuns.forEach((run, lane) => {
            const y = top + lane * LANE;
            context.fillStyle = color(run.visible ? run.style.name : "rule");
            context.textAlign = "right";
            context.textBaseline = "middle";
            context.fillText(fitText(context, run.name, GUTTER - 12), plot.left - 8, y + LANE / 2);
            if (!run.visible) {
                return;
            }
            MARKS.forEach((mark, row) => {
                const pairs = run.lines[mark.name];
                context.fillStyle = context.strokeStyle = color(mark.color);
                context.lineWidth = 1.4;
                let before = -Infinity;
                for (let i = 0; i < pairs.length; i += 2) {
                    const x = this.x(range.low + (pairs[i] + 0.5) * axis.step);
                    if (pairs[i] >= first && pairs[i] <= last && x - before >= 4) {
                        paintMark(context, mark.name, x, y + 4 + row * 5);
                        before = x;
                    }
                }
            });
        });
        context.font = "11px " + getComputedStyle(document.body).fontFamily;
    }
}

// As much of a text as has room, with an ellipsis for the rest.
function fitText(context, text, width) {
    if (context.measureText(text).width <= width) {
        return text;
    }
    let count = Math.min(text.length, 60);
    while (count > 0 && context.measureText(text.slice(0, count) + "…").width > width) {
        count -= 1;
    }
    return count > 0 ? text.slice(0, count) + "…" : "";
}
