// Where blocks lie in a map. Blocks of one type of memory stand together; those that do not live at
// the same time, and are of about one size, share a lane. A block is as high as the root of its
// size says: linear, small ones would be seen nowhere.

const LANE_GAP = 3;
const LANE_LOW = 7;
const HEAD = 22;
const OTHERS = 15;

// The blocks and spans of a run, as objects. Thousandths of frames become frames.
function readMap(run, range) {
    const { blocks, spans, rests } = run.map;
    const place = (value) => (value < 0 ? Infinity : range.low + value / 1000);
    const list = blocks.size.map((size, i) => ({
        place: i, heap: blocks.heap[i], type: blocks.type[i], size, born: place(blocks.born[i]),
        gone: place(blocks.gone[i]), dedicated: blocks.dedicated[i] === 1,
        spanCount: blocks.spans[i], spans: [], rest: null,
    }));
    spans.block.forEach((block, i) => {
        list[block].spans.push({
            block: list[block], resource: spans.resource[i], offset: spans.offset[i],
            size: spans.size[i], born: place(spans.born[i]), gone: place(spans.gone[i]),
            cause: spans.cause[i], slot: spans.slot[i], slots: spans.slots[i],
            aliased: spans.aliased[i] === 1,
        });
    });
    for (const rest of rests) {
        list[rest.block].rest = rest;
    }
    for (const block of list) {
        block.spans.sort((a, b) => a.born - b.born || a.offset - b.offset);
    }
    return list;
}

function heightOf(block, largest, most) {
    return Math.round(LANE_LOW + (most - LANE_LOW) * Math.sqrt(block.size / largest));
}

// Blocks in lanes: each into the first that is free since before it was born, and as high as it.
function packLanes(blocks, largest, most) {
    const lanes = [];
    for (const block of blocks) {
        const height = heightOf(block, largest, most);
        const fits = (lane) => lane.free <= block.born && Math.abs(lane.height - height) <= 2;
        let lane = lanes.find(fits);
        if (!lane) {
            lane = { blocks: [], height, free: -Infinity };
            lanes.push(lane);
        }
        lane.height = Math.max(lane.height, height);
        lane.free = block.gone;
        lane.blocks.push(block);
    }
    return lanes;
}

function groupsOf(blocks, others) {
    const groups = new Map();
    const groupAt = (heap, type) => {
        const key = heap * 256 + type;
        if (!groups.has(key)) {
            groups.set(key, { heap, type, key, blocks: [], others: null });
        }
        return groups.get(key);
    };
    for (const block of blocks) {
        groupAt(block.heap, block.type).blocks.push(block);
    }
    for (const kind of others) {
        groupAt(kind.heap, kind.type).others = kind;
    }
    return [...groups.values()].sort((a, b) => a.key - b.key);
}

// Rows from top to bottom: { kind: "head", group }, { kind: "lane", lane }, { kind: "others" },
// with y and height.
function stack(groups, largest, most) {
    const rows = [];
    let y = 0;
    const add = (row, height, gap) => {
        rows.push({ ...row, y, height });
        y += height + gap;
    };
    for (const group of groups) {
        add({ kind: "head", group }, HEAD, 0);
        for (const lane of packLanes(group.blocks, largest, most)) {
            add({ kind: "lane", group, blocks: lane.blocks }, lane.height, LANE_GAP);
        }
        if (group.others) {
            add({ kind: "others", group, others: group.others }, OTHERS, LANE_GAP);
        }
    }
    return { rows, height: y };
}

// As high as fits into `room`; where that would be too low to see anything, as high as can be seen,
// and one has to scroll.
function layOut(blocks, others, room) {
    const groups = groupsOf([...blocks].sort((a, b) => a.born - b.born || b.size - a.size), others);
    const largest = Math.max(1, ...blocks.map((block) => block.size));
    let layout = null;
    for (const [most, rooms] of [[260, 1], [180, 1], [130, 1], [90, 1], [64, 1], [44, 4], [30, 6],
        [20, Infinity]]) {
        layout = stack(groups, largest, most);
        if (layout.height <= room * rooms) {
            break;
        }
    }
    return layout;
}

// One block alone, as high as there is room.
function layOutOne(block, room) {
    const group = { heap: block.heap, type: block.type, key: 0, blocks: [block], others: null };
    return {
        rows: [
            { kind: "head", group, y: 0, height: HEAD },
            { kind: "lane", group, blocks: [block], y: HEAD, height: room - HEAD - LANE_GAP },
        ],
        height: room,
    };
}
