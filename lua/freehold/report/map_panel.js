// The map of one run: who chooses what is seen, and what is said about what one points at.

const MAP_ROOM = 480;
const MAP_ROOM_ALL = 3600;
const FOOT = 24;

class MapPanel {
    constructor(view, run, second) {
        this.view = view;
        this.run = run;
        this.second = second;
        this.chosen = null;
        this.alone = null;
        this.all = false;
        this.scroll = 0;
        this.by = "kind";
        this.dragged = null;
        this.painter = new MapPainter(view);
        this.plot = { left: GUTTER, right: 0, top: 0, bottom: 0 };
        this.surface = new Surface(MAP_ROOM, "Map of blocks: frames from left to right, offsets "
            + "upwards in each block. Arrow keys go from span to span, Enter shows a block alone.",
        (...all) => this.paint(...all));
        const { canvas, box } = this.surface;
        this.inner = el("div", { class: "map-inner" }, canvas);
        box.classList.add("map-box");
        box.append(this.inner);
        box.addEventListener("scroll", () => {
            this.scroll = box.scrollTop;
            this.surface.ask();
        });
        this.listen(canvas, box);
        this.controls = el("div", { class: "controls" });
        this.legend = el("p", { class: "legend" });
        this.caption = el("p", { class: "caption" });
        this.element = el("div", { class: "map" }, this.controls, box, this.legend, this.caption);
        this.choose(run);
    }

    listen(canvas, box) {
        const { view } = this;
        this.frameAt = steerRange(this.surface, view.range, () => this.plot, (dragged) => {
            this.dragged = dragged;
            this.surface.ask();
        }, () => box.scrollHeight > box.clientHeight + 1, (event) => this.doubled(event));
        canvas.addEventListener("pointermove", (event) => this.pointed(event));
        canvas.addEventListener("pointerleave", () => this.leave());
        canvas.addEventListener("blur", () => this.leave());
        canvas.addEventListener("click", (event) => {
            if (this.surface.at(event).x < this.plot.left && !canvas.dataset.dragged) {
                this.doubled(event);
            }
        });
        canvas.addEventListener("keydown", (event) => this.key(event));
        view.range.listeners.push(() => this.surface.ask());
    }

    // Shows another run, or nothing.
    choose(run) {
        this.run = run;
        this.alone = null;
        this.chosen = null;
        this.blocks = run && run.map ? readMap(run, this.view.range) : [];
        this.arrange();
    }

    arrange() {
        const { box } = this.surface;
        const others = this.run && this.run.map ? this.run.map.others : [];
        this.layout = this.alone ? layOutOne(this.alone, MAP_ROOM - FOOT)
            : layOut(this.blocks, others, MAP_ROOM - FOOT);
        const empty = this.layout.rows.length === 0;
        this.scrolls = this.layout.height + FOOT > MAP_ROOM;
        const height = empty ? 0 : Math.min(this.all ? MAP_ROOM_ALL : MAP_ROOM,
            this.layout.height + FOOT);
        this.surface.height = height;
        box.style.height = height + "px";
        this.inner.style.height = (this.layout.height + (empty ? 0 : FOOT)) + "px";
        box.scrollTop = 0;
        this.scroll = 0;
        this.fillControls();
        this.fillLegend();
        this.caption.textContent = this.captionText();
        this.surface.ask();
    }

    fillControls() {
        const { view } = this;
        const choice = (label, options, value, change) => el("label", {}, label + " ",
            el("select", { onchange: (event) => change(event.target.value) },
                ...options.map(([key, text]) => el("option",
                    { value: key, selected: key === value }, text))));
        const runs = view.runs.map((run, i) => [String(i), run.name]);
        if (this.second) {
            runs.unshift(["-1", "nothing"]);
        }
        const current = this.run ? String(view.runs.indexOf(this.run)) : "-1";
        const controls = [choice(this.second ? "Below it" : "Run", runs, current,
            (value) => this.choose(view.runs[Number(value)] || null))];
        if (this.run) {
            controls.push(choice("Colour by", [["kind", "kind"], ["cause", "what decided"]],
                this.by, (value) => {
                    this.by = value;
                    this.fillLegend();
                    this.surface.ask();
                }));
        }
        if (this.alone) {
            controls.push(el("button", { type: "button", onclick: () => this.showAlone(null) },
                "All blocks"));
        } else if (this.scrolls) {
            controls.push(el("button", { type: "button", onclick: () => {
                this.all = !this.all;
                this.arrange();
            } }, this.all ? "Less" : "All at once"));
        }
        this.controls.replaceChildren(...controls);
    }

    fillLegend() {
        const items = [];
        const key = (name, text) => items.push(el("span", { class: "key" },
            el("i", { style: `background:var(--${name})` }), text));
        if (this.run && this.run.map && this.by === "kind") {
            const seen = new Set(this.blocks.flatMap((block) => (
                block.spans.map((span) => this.kindOf(span)))));
            KINDS.filter((kind) => seen.has(kind)).forEach((kind) => key("kind-" + kind, kind));
        } else if (this.run && this.run.map) {
            const seen = new Set(this.blocks.flatMap((block) => (
                block.spans.map((span) => span.cause))));
            key("cause-0", this.run.as_recorded ? "the program" : "native rules");
            [...seen].filter((cause) => cause > 0).sort((a, b) => a - b).forEach((cause) => {
                key("cause-" + (1 + ((cause - 1) % 6)), this.causeText(cause));
            });
        }
        if (items.length > 0) {
            if (this.blocks.some((block) => block.spans.some((span) => span.slots > 1))) {
                items.push(el("span", { class: "key" }, el("i", { class: "stripes" }),
                    "striped: shares its bytes"));
            }
            if (this.blocks.some((block) => block.rest) || this.run.map.others.length > 0) {
                items.push(el("span", { class: "key" }, el("i", { class: "hatch" }),
                    "hatched: many small ones"));
            }
            items.push(el("span", { class: "key" }, el("i", { class: "gap" }), "free"));
        }
        this.legend.replaceChildren(...items);
    }

    captionText() {
        if (!this.run) {
            return "";
        } else if (!this.run.map) {
            return this.run.name + " was replayed without keeping its blocks.";
        }
        const { map } = this.run;
        if (this.blocks.length === 0) {
            return this.run.name + " had no block in these frames.";
        }
        const parts = [plural(map.block_count, "block") + ", " + plural(map.span_count, "span")];
        if (map.drawn_count < map.given_count) {
            parts.push(countText(map.drawn_count) + " of them are drawn each by itself, "
                + "the others hatched, where they live in these frames");
        }
        if (map.given_count < map.span_count) {
            parts.push("the " + countText(map.span_count - map.given_count)
                + " smallest and shortest are left out");
        }
        parts.push("a block's height goes with the root of its size, offset 0 is at its bottom");
        return parts.join("; ") + ".";
    }

    groupText(group) {
        const device = this.view.deviceOf(this.run);
        const heap = device.heaps[group.heap];
        const type = device.types[group.type];
        const count = this.alone ? "one block of " + bytesText(this.alone.size)
            : plural(group.blocks.length + (group.others ? group.others.grid.count : 0), "block");
        return [this.view.heapText(group.heap, this.run),
            heap && heap.size ? bytesText(heap.size) : null,
            "type " + group.type + (type && type.flags ? " (" + flagsText(type.flags) + ")" : ""),
            count].filter(Boolean).join(" · ");
    }

    //----------------------------------------------------------------------------------------------
    // What spans are

    resourceOf(span) {
        return this.view.resource(span.resource);
    }

    kindOf(span) {
        const { kind } = this.resourceOf(span);
        return KINDS.includes(kind) ? kind : "raw";
    }

    nameOf(span) {
        const resource = this.resourceOf(span);
        return resource.name || (resource.id ? (resource.kind || "resource") + " " + resource.id
            : "a memory without resources");
    }

    style(span) {
        const fill = this.by === "kind" ? "kind-" + this.kindOf(span)
            : "cause-" + (span.cause > 0 ? 1 + ((span.cause - 1) % 6) : 0);
        return { fill, edge: "span-edge" };
    }

    causeText(cause) {
        const found = this.run.causes[cause - 1];
        return found && found.script ? found.script + ":" + found.line : "native rules";
    }

    whyText(span) {
        if (this.run.as_recorded) {
            return "the program";
        }
        const found = this.run.causes[span.cause - 1];
        if (!found || !found.script) {
            return "native rule";
        }
        return found.script + ":" + found.line + ", " + found.hook
            + (found.answer ? ": " + found.answer : "");
    }

    //----------------------------------------------------------------------------------------------
    // Geometry

    x(at) {
        const { range } = this.view;
        return this.plot.left + ((at - range.from) / (range.to - range.from))
            * (this.plot.right - this.plot.left);
    }

    edges(thing) {
        const { range } = this.view;
        const limit = (x) => clamp(x, this.plot.left, this.plot.right);
        return [limit(this.x(thing.born)), limit(this.x(Math.min(thing.gone, range.high)))];
    }

    columnEdges(from, count, columns) {
        const { range } = this.view;
        const at = (column) => clamp(this.x(range.low
            + (column / columns) * (range.high - range.low)), this.plot.left, this.plot.right);
        return [at(from), at(from + count)];
    }

    // A span's rectangle, in the lane that begins at y.
    box(span, y, height) {
        const { range } = this.view;
        const { size } = span.block;
        const [x0, x1] = [this.x(span.born), this.x(Math.min(span.gone, range.high))];
        const top = Math.round(y + height * (1 - (span.offset + span.size) / size));
        const bottom = Math.round(y + height * (1 - span.offset / size));
        const left = Math.max(x0, -4);
        return [left, Math.min(top, bottom - 1), Math.max(1, Math.min(x1, this.plot.right + 4)
            - left), Math.max(1, bottom - top)];
    }

    paint(context, width, height) {
        const { range } = this.view;
        this.plot.right = width - 10;
        this.plot.bottom = height - FOOT;
        if (this.layout.rows.length === 0) {
            return;
        }
        this.painter.paint(context, this, height);
        paintFrames(context, range, this.plot);
        paintHover(context, range, this.plot);
        if (this.dragged) {
            context.fillStyle = color("choice");
            context.fillRect(this.dragged.from, 0, this.dragged.to - this.dragged.from,
                this.plot.bottom);
        }
    }

    //----------------------------------------------------------------------------------------------
    // Pointing

    rowAt(y) {
        const at = y + this.scroll;
        return this.layout.rows.find((row) => at >= row.y && at < row.y + row.height);
    }

    // What is at a point: the row, its block, and the spans, the exact and small ones first.
    find(x, y) {
        const row = y < this.plot.bottom ? this.rowAt(y) : null;
        if (!row || row.kind === "head") {
            return { row, block: null, spans: [] };
        }
        const frame = this.frameAt(x);
        const near = 3;
        if (row.kind === "others") {
            return { row, block: null, spans: [], frame };
        }
        const top = row.y - this.scroll;
        const block = row.blocks.find((one) => {
            const [x0, x1] = this.edges(one);
            return x >= x0 - 1 && x <= Math.max(x1, x0 + 1) + 1;
        });
        const hits = [];
        for (const span of block ? block.spans : []) {
            const [left, high, wide, tall] = this.box(span, top, row.height);
            const away = Math.max(left - x, x - left - wide, high - y, y - high - tall, 0);
            if (away <= near) {
                hits.push({ span, away });
            }
        }
        const exact = hits.filter(({ away }) => away === 0);
        const chosen = exact.length > 0 ? exact : hits;
        chosen.sort((a, b) => a.away - b.away || a.span.size - b.span.size);
        const offset = block ? Math.floor((1 - (y - top) / row.height) * block.size) : 0;
        return { row, block, spans: chosen.map(({ span }) => span), frame, offset };
    }

    pointed(event) {
        const { x, y } = this.surface.at(event);
        const canvas = this.surface.canvas;
        if (x < this.plot.left) {
            canvas.style.cursor = this.find(this.plot.left + 1, y).row ? "pointer" : "";
            this.leave();
            return;
        }
        canvas.style.cursor = "";
        const found = this.find(x, y);
        const { range } = this.view;
        range.point(clamp(this.frameAt(x), range.from, range.to));
        this.mark(found.spans[0] || null);
        const words = this.words(found);
        if (words) {
            tip.show(words, event.clientX, event.clientY);
        } else {
            tip.hide();
        }
    }

    mark(span) {
        if (this.chosen !== span) {
            this.chosen = span;
            this.surface.ask();
        }
    }

    leave() {
        this.mark(null);
        this.view.range.point(null);
        tip.hide();
    }

    showAlone(block) {
        this.alone = block;
        this.arrange();
    }

    // Two clicks on a block, or one beside it: it alone, or all of them again.
    doubled(event) {
        const { x, y } = this.surface.at(event);
        if (this.alone) {
            this.showAlone(null);
            return true;
        }
        const { row } = this.find(Math.max(x, this.plot.left + 1), y);
        if (!row || row.kind !== "lane") {
            return false;
        }
        const { block } = this.find(Math.max(x, this.plot.left + 1), y);
        this.showAlone(block || row.blocks[0]);
        return true;
    }

    //----------------------------------------------------------------------------------------------
    // Words

    words(found) {
        if (found.row && found.row.kind === "others") {
            const { grid } = found.row.others;
            return [el("p", { class: "tip-head" }, plural(grid.count, "more block")),
                el("p", {}, "drawn as one: they are small, or live for a short time; "
                    + bytesText(grid.bytes) + " in all")];
        }
        if (found.spans.length > 0) {
            const shown = found.spans.slice(0, 4);
            const words = shown.flatMap((span, i) => this.spanWords(span, i > 0));
            if (found.spans.length > shown.length) {
                words.push(el("p", { class: "muted" },
                    "and " + (found.spans.length - shown.length) + " more here"));
            }
            return words;
        }
        return found.block ? this.blockWords(found) : null;
    }

    lifeText(thing) {
        const { view } = this;
        const first = view.frameText(thing.born);
        if (thing.gone >= view.range.high) {
            return "from frame " + first + " to the end";
        }
        return "frames " + first + " to " + view.frameText(thing.gone)
            + view.lifeText(thing.born, thing.gone);
    }

    memoryText(block) {
        const type = this.view.deviceOf(this.run).types[block.type];
        return this.view.heapText(block.heap, this.run) + ", type " + block.type
            + (type && type.flags ? ": " + flagsText(type.flags) : "");
    }

    spanWords(span, more) {
        const resource = this.resourceOf(span);
        const rows = [
            ["size", exactBytesText(span.size)],
            ["offset", exactBytesText(span.offset)],
            ["what", [resource.kind, resource.format, resource.extent].filter(Boolean).join(", ")],
            ["usage", [resource.usage, resource.location].filter(Boolean).join(" · ")],
            ["memory", this.memoryText(span.block)],
            ["in", (span.block.dedicated ? "a dedicated memory of " : "a block of ")
                + bytesText(span.block.size)],
            ["lives", this.lifeText(span)],
            ["why", this.whyText(span)],
        ];
        if (span.aliased || span.slots > 1) {
            rows.push(["aliased", "others lie on the same bytes"
                + (span.slots > 1 ? ", up to " + span.slots + " at a time" : "")]);
        }
        return [
            el("p", { class: more ? "tip-head more" : "tip-head" }, this.nameOf(span)),
            el("table", { class: "facts" }, ...rows.filter(([, text]) => text)
                .map(([name, text]) => el("tr", {}, el("th", {}, name), el("td", {}, text)))),
        ];
    }

    blockWords({ block, offset, frame }) {
        const rows = [["memory", this.memoryText(block)], ["lives", this.lifeText(block)],
            ["spans", countText(block.spanCount)],
            ["here", "offset " + exactBytesText(clamp(offset, 0, block.size)) + ", frame "
                + this.view.frameText(frame)]];
        if (block.rest) {
            rows.push(["hatched", plural(block.rest.count, "small span") + " of "
                + bytesText(block.rest.bytes) + " in all, each for its own time"]);
        }
        return [
            el("p", { class: "tip-head" }, (block.dedicated ? "dedicated memory of "
                : "block of ") + exactBytesText(block.size)),
            el("table", { class: "facts" }, ...rows.map(([name, text]) => (
                el("tr", {}, el("th", {}, name), el("td", {}, text))))),
        ];
    }

    //----------------------------------------------------------------------------------------------
    // Keys

    key(event) {
        const lanes = this.layout.rows.filter((row) => row.kind === "lane"
            && row.blocks.some((block) => block.spans.length > 0));
        if (lanes.length === 0) {
            return;
        }
        const at = this.picked ? lanes.findIndex((row) => row.blocks.includes(this.picked.block))
            : -1;
        if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
            const spans = lanes[Math.max(at, 0)].blocks.flatMap((block) => block.spans);
            const place = spans.indexOf(this.picked) + (event.key === "ArrowRight" ? 1 : -1);
            this.pick(spans[clamp(place, 0, spans.length - 1)]);
        } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            const next = clamp(at + (event.key === "ArrowDown" ? 1 : -1), 0, lanes.length - 1);
            this.pick(lanes[next].blocks.find((block) => block.spans.length > 0).spans[0]);
        } else if (event.key === "Enter" && this.picked) {
            this.showAlone(this.alone ? null : this.picked.block);
            this.pick(this.picked);
        } else if (event.key === "Escape") {
            if (this.alone) {
                this.showAlone(null);
            }
            this.leave();
        } else {
            return;
        }
        event.preventDefault();
    }

    // Chooses a span by the keyboard: brings it into view, and tells what it is.
    pick(span) {
        const { range } = this.view;
        const { box, canvas } = this.surface;
        this.picked = span;
        this.mark(span);
        if (span.gone < range.from || span.born > range.to) {
            range.pan(span.born - (range.from + range.to) / 2);
        }
        const row = this.layout.rows.find((one) => one.kind === "lane"
            && one.blocks.includes(span.block));
        if (row.y < this.scroll || row.y + row.height > this.scroll + this.plot.bottom) {
            box.scrollTop = Math.max(0, row.y - HEAD);
            this.scroll = box.scrollTop;
        }
        this.plot.right = this.plot.right || box.clientWidth - 10;
        const [x, y] = this.box(span, row.y - this.scroll, row.height);
        const corner = canvas.getBoundingClientRect();
        tip.show(this.spanWords(span, false), corner.left + Math.max(x, this.plot.left),
            corner.top + Math.max(0, y));
        tip.say(document.getElementById("tip").textContent);
    }
}

function flagsText(flags) {
    return flags.replace(/ /g, ", ").replace(/_/g, " ");
}
