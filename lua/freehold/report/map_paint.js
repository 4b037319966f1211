// Painting a map: blocks as frames, spans as rectangles in them. Spans that lie on the same bytes
// at the same time are striped, each with the stripes that the others leave out: where two overlap,
// both are seen; where one is alone, the stripes have gaps.

const STRIPE = 5;

class MapPainter {
    constructor(view) {
        this.view = view;
        this.patterns = new Map();
        theme.listeners.push(() => this.patterns.clear());
    }

    // `stripes` of `slots` in a colour: rows of slanted lines, those of the slot.
    stripes(context, ink, slot, slots) {
        const ratio = window.devicePixelRatio || 1;
        const key = [ink, slot, slots, ratio].join("/");
        if (!this.patterns.has(key)) {
            const size = Math.round(STRIPE * slots * ratio);
            const tile = new OffscreenCanvas(size, size);
            const pen = tile.getContext("2d");
            const [from, wide] = [(slot / slots) * size, size / slots];
            pen.fillStyle = ink;
            for (const shift of [-size, 0, size]) {
                pen.beginPath();
                pen.moveTo(from + shift + size, 0);
                pen.lineTo(from + wide + shift + size, 0);
                pen.lineTo(from + wide + shift, size);
                pen.lineTo(from + shift, size);
                pen.fill();
            }
            const pattern = context.createPattern(tile, "repeat");
            pattern.setTransform(new DOMMatrix().scale(1 / ratio));
            this.patterns.set(key, pattern);
        }
        return this.patterns.get(key);
    }

    hatch(context) {
        const ratio = window.devicePixelRatio || 1;
        const ink = color("muted");
        const key = "hatch/" + ink + "/" + ratio;
        if (!this.patterns.has(key)) {
            const size = Math.round(5 * ratio);
            const tile = new OffscreenCanvas(size, size);
            const pen = tile.getContext("2d");
            pen.strokeStyle = ink;
            pen.lineWidth = 0.9 * ratio;
            pen.beginPath();
            for (const shift of [-size, 0, size]) {
                pen.moveTo(shift, 0);
                pen.lineTo(shift + size, size);
            }
            pen.stroke();
            const pattern = context.createPattern(tile, "repeat");
            pattern.setTransform(new DOMMatrix().scale(1 / ratio));
            this.patterns.set(key, pattern);
        }
        return this.patterns.get(key);
    }

    // What is seen of the map: `panel` has layout, scroll, plot, the span that is chosen, and
    // styles of spans.
    paint(context, panel, height) {
        const { plot } = panel;
        context.save();
        context.beginPath();
        context.rect(0, 0, plot.right + 6, plot.bottom);
        context.clip();
        for (const row of panel.layout.rows) {
            const y = row.y - panel.scroll;
            if (y + row.height < 0 || y > height) {
                continue;
            }
            if (row.kind === "others") {
                this.others(context, panel, row, y);
            } else if (row.kind === "lane") {
                this.lane(context, panel, row, y);
            }
        }
        paintUncounted(context, this.view, { ...plot, top: 0 });
        for (const row of panel.layout.rows.filter(({ kind }) => kind === "head")) {
            this.head(context, panel, row, row.y - panel.scroll);
        }
        context.restore();
    }

    head(context, panel, row, y) {
        context.textAlign = "left";
        context.textBaseline = "middle";
        context.fillStyle = color("ink");
        context.fillText(fitText(context, panel.groupText(row.group), panel.plot.right - 4), 2,
            y + HEAD / 2 + 1);
    }

    others(context, panel, row, y) {
        const { plot } = panel;
        const { columns } = panel.run.map;
        context.fillStyle = this.hatch(context);
        this.cells(row.others.grid.cells, (line, from, count) => {
            const [x0, x1] = panel.columnEdges(from, count, columns);
            context.fillRect(x0, y, x1 - x0, row.height);
        });
        this.gutter(context, "+" + countText(row.others.grid.count), y, row.height, plot);
    }

    cells(cells, each) {
        for (let i = 0; i < cells.length; i += 4) {
            each(cells[i], cells[i + 1], cells[i + 2], cells[i + 3]);
        }
    }

    gutter(context, text, y, height, plot) {
        if (height >= 11) {
            context.textAlign = "right";
            context.textBaseline = "middle";
            context.fillStyle = color("muted");
            context.fillText(fitText(context, text, plot.left - 8), plot.left - 6, y + height / 2);
        }
    }

    lane(context, panel, row, y) {
        for (const block of row.blocks) {
            const [x0, x1] = panel.edges(block);
            if (x1 < panel.plot.left || x0 > panel.plot.right) {
                continue;
            }
            context.fillStyle = color("block");
            context.fillRect(x0, y, x1 - x0, row.height);
            if (block.rest) {
                this.rest(context, panel, block, y, row.height);
            }
            context.save();
            context.beginPath();
            context.rect(panel.plot.left, y, panel.plot.right - panel.plot.left, row.height);
            context.clip();
            for (const span of block.spans) {
                this.span(context, panel, span, y, row.height);
            }
            context.restore();
            context.strokeStyle = color("block-edge");
            context.lineWidth = 1;
            context.strokeRect(Math.round(x0) + 0.5, Math.round(y) + 0.5,
                Math.max(1, Math.round(x1 - x0) - 1), row.height - 1);
        }
        const sizes = row.blocks.map((block) => block.size);
        const [low, high] = [Math.min(...sizes), Math.max(...sizes)];
        this.gutter(context, (low === high ? "" : "\u2264") + bytesText(high), y, row.height,
            panel.plot);
        if (panel.chosen && row.blocks.includes(panel.chosen.block)) {
            const [x, top, wide, high1] = panel.box(panel.chosen, y, row.height);
            context.strokeStyle = color("ink");
            context.lineWidth = 2;
            context.strokeRect(x - 1, top - 1, wide + 2, high1 + 2);
        }
    }

    rest(context, panel, block, y, height) {
        const { columns } = panel.run.map;
        const { rows, cells } = block.rest;
        const [from, to] = panel.edges(block);
        context.fillStyle = this.hatch(context);
        this.cells(cells, (row, column, count) => {
            const [x0, x1] = panel.columnEdges(column, count, columns);
            const [left, right] = [Math.max(x0, from), Math.min(x1, to)];
            const top = y + height * (1 - (row + 1) / rows);
            context.fillRect(left, top, Math.max(0, right - left), height / rows);
        });
    }

    span(context, panel, span, y, height) {
        const [x, top, wide, high] = panel.box(span, y, height);
        if (x > panel.plot.right || x + wide < panel.plot.left) {
            return;
        }
        const { fill, edge } = panel.style(span);
        const ink = color(span.slot % 2 === 0 ? fill : fill + "-2");
        context.fillStyle = span.slots > 1
            ? this.stripes(context, ink, span.slot % 8, Math.min(span.slots, 8)) : ink;
        context.fillRect(x, top, wide, high);
        if (wide > 3 && high > 3) {
            context.strokeStyle = span.slots > 1 ? ink : color(edge);
            context.lineWidth = 1;
            context.strokeRect(x + 0.5, top + 0.5, wide - 1, high - 1);
        }
        if (wide >= 46 && high >= 14 && span.slots === 1) {
            const left = Math.max(x, panel.plot.left) + 4;
            const room = Math.min(x + wide, panel.plot.right) - left - 4;
            if (room > 30) {
                context.fillStyle = color("on-span");
                context.textAlign = "left";
                context.textBaseline = "middle";
                context.fillText(fitText(context, panel.nameOf(span), room), left,
                    top + Math.min(high / 2, 60));
            }
        }
    }
}
