// Colours. They stand in the style sheet, for light and for dark; canvases ask for them here, and
// paint again when they change.

const RUN_DASHES = [[], [], [7, 3], [2, 2], [9, 3, 2, 3], [5, 2, 1, 2, 1, 2], [12, 4]];
const KINDS = ["buffer", "texture", "raw", "external"];

const colors = new Map();

function color(name) {
    let found = colors.get(name);
    if (found === undefined) {
        found = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
        colors.set(name, found);
    }
    return found;
}

// A run's colour and pattern: "as recorded" is the ink, the others have a hue and a dash of their
// own, so that they can be told apart without colours, too.
function runStyle(place, asRecorded) {
    const name = asRecorded ? "run-0" : "run-" + (1 + (place % 6));
    const dash = asRecorded ? [] : RUN_DASHES[1 + (place % 6)];
    return { name, dash, width: asRecorded ? 2 : 1.75 };
}

const theme = {
    choice: "auto",
    system: matchMedia("(prefers-color-scheme: dark)"),
    listeners: [],

    set(choice) {
        this.choice = choice;
        this.changed();
    },

    changed() {
        const dark = this.choice === "dark" || this.choice === "auto" && this.system.matches;
        document.documentElement.dataset.theme = dark ? "dark" : "light";
        colors.clear();
        for (const listener of this.listeners) {
            listener();
        }
    },

    start() {
        this.system.addEventListener("change", () => this.changed());
        this.changed();
        // Paper is white.
        let before = "auto";
        addEventListener("beforeprint", () => {
            before = this.choice;
            this.set("light");
        });
        addEventListener("afterprint", () => this.set(before));
    },
};

// A canvas that is as wide as its parent, and sharp. `paint(context, width, height)` is called with
// lengths in CSS pixels, at the next frame after something asked for it.
class Surface {
    constructor(height, label, paint) {
        this.height = height;
        this.paint = paint;
        this.asked = false;
        this.canvas = el("canvas", { tabindex: 0, role: "application", "aria-label": label });
        this.box = el("div", { class: "surface" }, this.canvas);
        this.width = 0;
        new ResizeObserver(() => this.ask()).observe(this.box);
    }

    ask() {
        if (!this.asked) {
            this.asked = true;
            requestAnimationFrame(() => {
                this.asked = false;
                this.draw();
            });
        }
    }

    draw() {
        this.width = Math.floor(this.box.clientWidth);
        if (this.width < 40) {
            return;
        }
        const ratio = window.devicePixelRatio || 1;
        const [wide, high] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
        if (this.canvas.width !== wide || this.canvas.height !== high) {
            this.canvas.width = wide;
            this.canvas.height = high;
            this.canvas.style.width = this.width + "px";
            this.canvas.style.height = this.height + "px";
        }
        const context = this.canvas.getContext("2d");
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
        context.clearRect(0, 0, this.width, this.height);
        context.font = "11px " + getComputedStyle(document.body).fontFamily;
        this.paint(context, this.width, this.height);
    }

    // Where a pointer is on the canvas.
    at(event) {
        const box = this.canvas.getBoundingClientRect();
        return { x: event.clientX - box.left, y: event.clientY - box.top };
    }
}

// The one tooltip. It follows the pointer, or stands at what the keyboard chose.
const tip = {
    show(children, x, y) {
        const box = document.getElementById("tip");
        box.replaceChildren(...children);
        box.hidden = false;
        const { offsetWidth: wide, offsetHeight: high } = box;
        const room = document.documentElement.clientWidth;
        const left = x + 14 + wide <= room - 4 ? x + 14 : x - 14 - wide;
        const top = y + 14 + high <= innerHeight - 4 ? y + 14 : y - 14 - high;
        box.style.left = clamp(left, 4, Math.max(4, room - wide - 4)) + "px";
        box.style.top = clamp(top, 4, Math.max(4, innerHeight - high - 4)) + "px";
    },

    hide() {
        document.getElementById("tip").hidden = true;
    },

    // For those who do not see it.
    say(text) {
        document.getElementById("live").textContent = text;
    },
};
