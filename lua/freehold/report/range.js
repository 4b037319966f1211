// The frames that are in view. All charts and maps of a comparison share one range and one
// crosshair: what is found in one is looked at in the others.
//
// Drag: zoom to what was dragged over. Shift and drag, or drag below the chart: pan. Wheel: zoom
// where the pointer is, once the chart was clicked or with Ctrl held, as the page scrolls by the
// wheel, too. Two clicks: all frames again. Keys: + - 0, arrows and Shift with them, Escape.

const FRAMES_LEAST = 0.05; // what is in view: much may happen within a frame

class Range {
    constructor(low, high) {
        this.low = low;
        this.high = high;
        this.from = low;
        this.to = high;
        this.hover = null;
        this.listeners = [];
    }

    get all() {
        return this.from <= this.low && this.to >= this.high;
    }

    changed() {
        for (const listener of this.listeners) {
            listener();
        }
    }

    set(from, to) {
        const room = this.high - this.low;
        const span = clamp(to - from, Math.min(room, FRAMES_LEAST), room);
        const middle = (from + to) / 2;
        this.from = clamp(middle - span / 2, this.low, this.high - span);
        this.to = this.from + span;
        this.changed();
    }

    reset() {
        this.set(this.low, this.high);
    }

    zoom(factor, at) {
        this.set(at - (at - this.from) * factor, at + (this.to - at) * factor);
    }

    pan(frames) {
        this.set(this.from + frames, this.to + frames);
    }

    point(at) {
        const hover = at === null ? null : clamp(at, this.low, this.high);
        if (hover !== this.hover) {
            this.hover = hover;
            this.changed();
        }
    }
}

// Lets a surface change a range. `plot()` is the part of the surface that shows it: { left, right,
// bottom } in pixels; `dragged({ from, to })` is told of what is being chosen, and null at its end.
// `scrolls()`: whether the wheel is for scrolling; `doubled(event)`: whether two clicks were for
// something else.
function steerRange(surface, range, plot, dragged, scrolls = () => false, doubled = () => false) {
    const canvas = surface.canvas;
    let drag = null;

    const frameAt = (x) => {
        const { left, right } = plot();
        return range.from + ((x - left) / (right - left)) * (range.to - range.from);
    };

    canvas.addEventListener("wheel", (event) => {
        const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
        const chosen = document.activeElement === canvas && !scrolls();
        if (!sideways && !event.ctrlKey && !chosen) {
            return;
        }
        event.preventDefault();
        const { left, right } = plot();
        if (sideways) {
            range.pan((event.deltaX / (right - left)) * (range.to - range.from));
        } else {
            range.zoom(Math.exp(clamp(event.deltaY, -240, 240) / 400),
                frameAt(surface.at(event).x));
        }
    }, { passive: false });

    canvas.addEventListener("pointerdown", (event) => {
        if (event.button > 1 || event.pointerType === "touch" && !event.isPrimary) {
            return;
        }
        const { x, y } = surface.at(event);
        const pans = event.shiftKey || event.button === 1 || y > plot().bottom;
        drag = { x, pans, from: range.from, to: range.to, moved: false };
        canvas.setPointerCapture(event.pointerId);
    });

    canvas.addEventListener("pointermove", (event) => {
        if (!drag) {
            return;
        }
        const { x } = surface.at(event);
        drag.moved = drag.moved || Math.abs(x - drag.x) > 4;
        if (!drag.moved) {
            return;
        }
        if (drag.pans) {
            const { left, right } = plot();
            const frames = ((drag.x - x) / (right - left)) * (drag.to - drag.from);
            range.set(drag.from + frames, drag.to + frames);
        } else {
            dragged({ from: Math.min(drag.x, x), to: Math.max(drag.x, x) });
        }
    });

    const ends = (event) => {
        if (drag && drag.moved && !drag.pans) {
            dragged(null);
            if (event.type === "pointerup") {
                const { x } = surface.at(event);
                range.set(frameAt(Math.min(drag.x, x)), frameAt(Math.max(drag.x, x)));
            }
        }
        canvas.dataset.dragged = drag && drag.moved ? "1" : "";
        drag = null;
    };
    canvas.addEventListener("pointerup", ends);
    canvas.addEventListener("pointercancel", ends);
    canvas.addEventListener("dblclick", (event) => {
        if (!doubled(event)) {
            range.reset();
        }
    });

    canvas.addEventListener("keydown", (event) => {
        const middle = range.hover ?? (range.from + range.to) / 2;
        if (event.key === "+" || event.key === "=") {
            range.zoom(1 / 1.5, middle);
        } else if (event.key === "-") {
            range.zoom(1.5, middle);
        } else if (event.key === "0") {
            range.reset();
        } else {
            return;
        }
        event.preventDefault();
    });
    return frameAt;
}

// Round numbers between two, some `count` of them. Bytes are round in powers of two.
function ticksOf(low, high, count, base) {
    const rough = (high - low) / Math.max(1, count);
    let step;
    if (base === 2) {
        step = 2 ** Math.round(Math.log2(Math.max(rough, 1)));
    } else {
        const power = 10 ** Math.floor(Math.log10(rough));
        step = power * [1, 2, 5, 10].find((digit) => digit * power >= rough);
    }
    const ticks = [];
    for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) {
        ticks.push(at);
    }
    return { ticks, step };
}

// Whole frames from `first` to `last`, some `count` of them: round ones, and the first of all.
function frameTicks(first, last, count) {
    const { ticks, step } = ticksOf(first, Math.max(last, first + 1), count, 10);
    const whole = step < 1 ? [...Array(last - first + 1).keys()].map((i) => first + i)
        : ticks.filter((tick) => tick >= first && tick <= last);
    return first === 1 && whole[0] !== 1 ? [1, ...whole] : whole.length > 0 ? whole : [first];
}

// The frames below a plot, each in its middle.
function paintFrames(context, range, plot) {
    const wide = plot.right - plot.left;
    const [first, last] = [Math.floor(range.from + 1e-9) + 1, Math.ceil(range.to - 1e-9)];
    const ticks = frameTicks(first, last, Math.max(2, wide / 90));
    context.fillStyle = color("muted");
    context.strokeStyle = color("rule");
    context.lineWidth = 1;
    context.textBaseline = "top";
    context.textAlign = "center";
    for (const tick of ticks) {
        const middle = clamp(tick - 0.5, range.from, range.to);
        const part = (middle - range.from) / (range.to - range.from);
        const x = Math.round(plot.left + part * wide) + 0.5;
        context.beginPath();
        context.moveTo(x, plot.bottom);
        context.lineTo(x, plot.bottom + 4);
        context.stroke();
        const text = countText(tick);
        const half = context.measureText(text).width / 2;
        context.fillText(text, clamp(x, plot.left + half - 8, plot.right - half + 8),
            plot.bottom + 6);
    }
}

// A veil over the frames that do not count.
function paintUncounted(context, view, plot) {
    const { range, counted } = view;
    if (counted <= range.from) {
        return;
    }
    const part = Math.min(1, (counted - range.from) / (range.to - range.from));
    const wide = part * (plot.right - plot.left);
    context.globalAlpha = 0.55;
    context.fillStyle = color("panel");
    context.fillRect(plot.left, plot.top, wide, plot.bottom - plot.top);
    context.globalAlpha = 1;
    context.strokeStyle = color("axis");
    context.lineWidth = 1;
    context.strokeRect(plot.left + Math.round(wide) - 0.5, plot.top, 0, plot.bottom - plot.top);
    context.fillStyle = color("muted");
    context.textAlign = "left";
    context.textBaseline = "bottom";
    context.fillText(fitText(context, "not counted", wide - 8), plot.left + 4, plot.bottom - 4);
}

// The crosshair.
function paintHover(context, range, plot) {
    if (range.hover === null || range.hover < range.from || range.hover > range.to) {
        return;
    }
    const x = plot.left
        + ((range.hover - range.from) / (range.to - range.from)) * (plot.right - plot.left);
    context.strokeStyle = color("ink");
    context.globalAlpha = 0.6;
    context.lineWidth = 1;
    context.setLineDash([3, 2]);
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, plot.top);
    context.lineTo(Math.round(x) + 0.5, plot.bottom);
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
}
