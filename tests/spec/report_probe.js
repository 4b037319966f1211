// Put into a report by its spec: looks at the page as a user would, with pointer and keys, and
// posts what it saw.

(async () => {
    const told = { errors: [] };
    const tip = document.getElementById("tip");
    const frames = (count) => new Promise((done) => {
        const next = () => (count-- > 0 ? requestAnimationFrame(next) : done());
        next();
    });
    // Pointers that are made up cannot be captured.
    HTMLCanvasElement.prototype.setPointerCapture = () => {};

    const rgb = (name) => {
        const probe = document.createElement("i");
        probe.style.color = `var(--${name})`;
        document.body.append(probe);
        const text = getComputedStyle(probe).color;
        probe.remove();
        return text.match(/[\d.]+/g).slice(0, 3).map(Number);
    };

    // How many pixels of a canvas are painted at all, and how many in each colour of the palette.
    const names = [];
    for (let i = 0; i <= 6; i += 1) {
        names.push("run-" + i);
    }
    for (const kind of ["buffer", "texture", "raw", "external"]) {
        names.push("kind-" + kind, "kind-" + kind + "-2");
    }
    names.push("reference", "refused", "evicted", "block");
    const look = (canvas) => {
        const seen = { painted: 0 };
        const keys = new Map(names.map((name) => [rgb(name).join(), name]));
        if (canvas.width > 0 && canvas.height > 0) {
            const copy = new OffscreenCanvas(canvas.width, canvas.height)
                .getContext("2d", { willReadFrequently: true });
            copy.drawImage(canvas, 0, 0);
            const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
            for (let i = 0; i < data.length; i += 4) {
                if (data[i + 3] > 0) {
                    seen.painted += 1;
                    const name = keys.get(data[i] + "," + data[i + 1] + "," + data[i + 2]);
                    if (name && data[i + 3] === 255) {
                        seen[name] = (seen[name] || 0) + 1;
                    }
                }
            }
        }
        return seen;
    };

    const canvases = () => [...document.querySelectorAll("canvas")];
    const pointer = (canvas, type, x, y, more) => {
        const box = canvas.getBoundingClientRect();
        canvas.dispatchEvent(new PointerEvent(type, { bubbles: true, cancelable: true,
            clientX: box.left + x, clientY: box.top + y, pointerId: 1, isPrimary: true,
            ...more }));
    };
    const key = (element, name) => element.dispatchEvent(new KeyboardEvent("keydown",
        { key: name, bubbles: true, cancelable: true }));
    const rangeText = () => (document.querySelector(".range") || {}).textContent;

    const steps = {
        layout() {
            const root = document.documentElement;
            told.width = root.clientWidth;
            told.scrollWidth = root.scrollWidth;
            told.height = root.scrollHeight;
            told.outside = [...document.querySelectorAll("main *")].filter((element) => {
                const box = element.getBoundingClientRect();
                return box.width > 0 && box.right > root.clientWidth + 0.5
                    && !element.closest(".scroller > *, .unseen");
            }).map((element) => element.tagName + "." + element.className);
            told.background = getComputedStyle(document.body).backgroundColor;
            told.text = document.querySelector("main").innerText;
            told.title = document.title;
            told.scripts = document.scripts.length;
            told.images = document.images.length;
            told.notes = [...document.querySelectorAll(".note")].map((note) => note.className
                + ": " + note.textContent);
        },
        marks() {
            told.canvases = canvases().map(look);
        },
        // What is written in a chart: by a small picture of few frames, and with two lines that are
        // close to each other.
        async labels() {
            const [chart] = canvases();
            if (!chart) {
                return;
            }
            const { fillText } = CanvasRenderingContext2D.prototype;
            const seen = [];
            CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
                if (this.canvas === chart) {
                    seen.push({ text, x, y, wide: this.measureText(text).width,
                        align: this.textAlign, base: this.textBaseline });
                }
                return fillText.call(this, text, x, y, ...more);
            };
            chart.focus();
            key(chart, "0");
            await frames(2);
            told.labels = seen.splice(0);
            for (let i = 0; i < 12; i += 1) {
                key(chart, "+");
            }
            await frames(2);
            told.labelsNear = seen.splice(0);
            key(chart, "0");
            chart.blur();
            await frames(2);
            CanvasRenderingContext2D.prototype.fillText = fillText;
        },
        async hover() {
            const [chart] = canvases();
            if (!chart) {
                return;
            }
            pointer(chart, "pointermove", chart.clientWidth / 2, 60);
            await frames(2);
            told.chartTip = tip.hidden ? "" : tip.innerText;
            pointer(chart, "pointerleave", 0, 0);
            told.tipGone = tip.hidden;
        },
        async map() {
            const map = canvases().find((canvas) => canvas.closest(".map"));
            if (!map) {
                return;
            }
            told.spanTip = "";
            told.blockTip = "";
            for (let y = 24; y < map.clientHeight - 24; y += 9) {
                for (let x = 70; x < map.clientWidth - 12; x += 41) {
                    pointer(map, "pointermove", x, y);
                    const text = tip.hidden ? "" : tip.innerText;
                    if (text.includes("why") && text.length > told.spanTip.length) {
                        told.spanTip = text;
                    } else if (text.includes("spans")) {
                        told.blockTip = text;
                    }
                }
            }
            const box = tip.getBoundingClientRect();
            told.tipInside = box.left >= 0 && box.right <= document.documentElement.clientWidth;
            map.focus();
            key(map, "ArrowRight");
            await frames(2);
            told.keyText = document.getElementById("live").textContent;
            const before = look(map).painted;
            key(map, "Enter");
            await frames(3);
            told.alone = [...document.querySelectorAll(".map button")]
                .map((one) => one.textContent);
            told.aloneDiffers = look(map).painted !== before;
            key(map, "Escape");
            await frames(2);
            told.aloneAfter = [...document.querySelectorAll(".map button")]
                .map((one) => one.textContent);
            const longer = [...document.querySelectorAll(".map button")][0];
            told.heightBefore = map.clientHeight;
            if (longer) {
                longer.click();
                await frames(3);
                told.heightAll = map.clientHeight;
                [...document.querySelectorAll(".map button")][0].click();
                await frames(2);
            }
            map.blur();
        },
        async zoom() {
            const [chart] = canvases();
            if (!chart) {
                return;
            }
            told.rangeBefore = rangeText();
            const [from, to] = [chart.clientWidth * 0.4, chart.clientWidth * 0.6];
            pointer(chart, "pointerdown", from, 60, { button: 0 });
            pointer(chart, "pointermove", (from + to) / 2, 60);
            pointer(chart, "pointermove", to, 60);
            pointer(chart, "pointerup", to, 60, { button: 0 });
            told.rangeDragged = rangeText();
            chart.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
            told.rangeReset = rangeText();
            chart.dispatchEvent(new WheelEvent("wheel", { deltaY: -240, ctrlKey: true,
                bubbles: true, cancelable: true,
                clientX: chart.getBoundingClientRect().left + from }));
            told.rangeWheel = rangeText();
            chart.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
            chart.focus();
            key(chart, "+");
            told.rangeKey = rangeText();
            key(chart, "0");
            key(chart, "ArrowRight");
            told.keyChart = document.getElementById("live").textContent;
            chart.blur();
            await frames(2);
        },
        async toggles() {
            const runs = [...document.querySelectorAll(".runs button")];
            if (runs.length > 1) {
                runs[1].click();
                await frames(2);
                told.without = look(canvases()[0]);
                runs[1].click();
                await frames(2);
            }
            const heaps = [...document.querySelectorAll("[aria-label=Heaps] button")];
            told.heaps = heaps.map((heap) => heap.textContent);
            if (heaps.length > 1) {
                heaps[1].click();
                await frames(2);
                told.heap = look(canvases()[0]);
                heaps[0].click();
            }
            const choice = document.querySelector(".theme");
            const before = getComputedStyle(document.body).backgroundColor;
            choice.click();
            choice.click();
            await frames(2);
            told.dark = getComputedStyle(document.body).backgroundColor;
            choice.click();
            await frames(2);
            told.themeBack = getComputedStyle(document.body).backgroundColor === before;
        },
        traces() {
            const links = [...document.querySelectorAll(".overview button")];
            told.traces = links.map((link) => link.textContent);
            if (links.length > 1) {
                links[1].click();
                told.second = document.querySelector("h1").textContent;
            }
        },
    };

    await frames(3);
    for (const [name, step] of Object.entries(steps)) {
        try {
            await step();
        } catch (error) {
            told.errors.push(name + ": " + error.stack);
        }
    }
    scrollTo(0, 0);
    await frames(2);
    parent.postMessage(JSON.stringify(told), "*");
})();
