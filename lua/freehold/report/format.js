// Numbers and moments as people read them, and the elements of the page.

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const MINUS = "\u2212";
const BLANK = "\u00a0"; // a blank that no line ends at

function grouped(number) {
    return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

function countText(count) {
    return (count < 0 ? MINUS : "") + grouped(Math.round(Math.abs(count)));
}

function byteScale(bytes) {
    let unit = 0;
    while (Math.abs(bytes) >= 1024 ** (unit + 1) && unit < BYTE_UNITS.length - 1) {
        unit += 1;
    }
    return unit;
}

// "1.25 GiB", "13.5 MiB", "512 MiB", "1,023.5 KiB".
function bytesText(bytes) {
    const unit = byteScale(bytes);
    const value = Math.abs(bytes) / 1024 ** unit;
    const digits = unit === 0 ? 0 : value >= 10 ? 1 : 2;
    const [whole, part] = String(Number(value.toFixed(digits))).split(".");
    return (bytes < 0 ? MINUS : "") + grouped(whole) + (part ? "." + part : "") + BLANK
        + BYTE_UNITS[unit];
}

function exactBytesText(bytes) {
    return bytes < 1024 ? bytesText(bytes)
        : bytesText(bytes) + " (" + countText(bytes) + BLANK + "B)";
}

function percentText(part) {
    const percent = Math.abs(part) * 100;
    const digits = percent === 0 || percent >= 99.95 ? 0 : 1;
    return (part < 0 ? MINUS : "") + grouped(percent.toFixed(digits).replace(/\.0$/, ""))
        + BLANK + "%";
}

function ppmText(ppm) {
    return percentText(ppm / 1e6);
}

function timeText(ns) {
    if (ns < 1e3) {
        return ns === 0 ? "0" : Math.round(ns) + " ns";
    } else if (ns < 1e6) {
        return (ns / 1e3).toPrecision(3) + " µs";
    } else if (ns < 1e9) {
        return (ns / 1e6).toPrecision(3) + " ms";
    } else if (ns < 60e9) {
        return (ns / 1e9).toFixed(ns < 10e9 ? 2 : 1) + " s";
    }
    const seconds = Math.round(ns / 1e9);
    return Math.floor(seconds / 60) + " min " + String(seconds % 60).padStart(2, "0") + " s";
}

function rateText(rate) {
    return rate >= 1e6 ? (rate / 1e6).toPrecision(3) + " million/s" : countText(rate) + "/s";
}

function plural(count, noun) {
    return countText(count) + " " + noun + (count === 1 ? "" : "s");
}

// An element with attributes and children. Text is only ever set as text: what a trace calls its
// resources is nothing of ours.
function el(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
        if (key.startsWith("on")) {
            element.addEventListener(key.slice(2), value);
        } else if (value === true) {
            element.setAttribute(key, "");
        } else if (value !== false && value !== undefined && value !== null) {
            element.setAttribute(key, value);
        }
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
}

// A list of numbers as Lua packed it: in units, whole or by its changes; -1 is none (NaN).
function unpack(packed) {
    const read = (value) => (value < 0 ? NaN : value * packed.unit);
    if (packed.values) {
        return Float64Array.from(packed.values, read);
    }
    const list = new Float64Array(packed.count);
    for (let i = 0; i < packed.steps.length; i += 2) {
        list.fill(read(packed.steps[i + 1]), packed.steps[i]);
    }
    return list;
}

function clamp(value, low, high) {
    return Math.max(low, Math.min(high, value));
}
