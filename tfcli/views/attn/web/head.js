// Lines from each query to what it looks at, a colour for each head.

const MOST_LINES = 20000;
const OPACITIES = 24;

const HEAD_VIEW = {
  tools: ["layers", "heads", "pairs", "word-tool", "special-tool", "least-tool"],

  layout(page) {
    const { text, shown } = page;
    const on = shown.heads;
    const maps = on.map((head) => mapOf(text, weightsOf(text, shown.layer, head), shown));
    const rows = maps.length ? maps[0].rows : shownUnits(text.queries, shown, 0);
    const columns = maps.length ? maps[0].columns : shownUnits(text.keys, shown, 1);
    const count = Math.max(rows.length, columns.length);
    const line = count > 150 ? 16 : count > 60 ? 19 : 24;
    const size = line > 20 ? 14 : line > 16 ? 12.5 : 11;
    const room = Math.max(280, page.room);
    const labels = [...rows, ...columns].map((unit) => unit.label);
    const longest = widest([...labels, say("queries"), say("keys")], Math.min(240, room * 0.34), size);
    const label = Math.ceil(longest * 1.06) + 10; // what is bold is wider
    const between = Math.min(room - 2 * label, Math.max(220, 20 * line));
    const width = 2 * label + between;
    const height = 30 + count * line + 6;
    const highest = maps.reduce((top, map) => map.values.reduce((a, b) => Math.max(a, b), top), 0);
    const found = { on, maps, rows, columns, line, size, label, between, width, height, highest };
    return { ...found, least: this.least(page, found) };
  },

  /** The smallest weight that is drawn: chosen, or such that lines can be told apart. */
  least(page, { maps }) {
    if (page.shown.least !== null) return page.shown.least / 255;
    const counts = new Uint32Array(256);
    for (const { values } of maps) for (const value of values) counts[Math.round(value * 255)]++;
    let lines = 0;
    let level = 255;
    while (level > 1 && lines + counts[level - 1] <= MOST_LINES) lines += counts[level--];
    return level === 1 ? 0.5 / 255 : level / 255;
  },

  y(layout, place) {
    return 30 + (place + 0.5) * layout.line;
  },

  draw(pen, page, layout) {
    const { rows, columns, label, width, line, size } = layout;
    const { ink, quiet, second } = page.colours;
    const spot = page.spot ?? page.pinned;
    pen.text(label - 8, 14, say("queries"), { colour: quiet, size: 12, anchor: "end" });
    pen.text(width - label + 8, 14, say("keys"), { colour: quiet, size: 12 });
    if (spot) this.drawBlocks(pen, layout, spot);
    const groups = new Map();
    layout.maps.forEach((map, index) => {
      map.values.forEach((value, i) => {
        const q = Math.floor(i / columns.length);
        const k = i % columns.length;
        if (value < layout.least || (spot && spot.place !== (spot.side ? k : q))) return;
        const group = `${index} ${Math.ceil(Math.min(1, value / layout.highest) * OPACITIES)}`;
        if (!groups.has(group)) groups.set(group, []);
        groups.get(group).push(label, this.y(layout, q), width - label, this.y(layout, k));
      });
    });
    for (const [group, ends] of groups) {
      const [index, level] = group.split(" ").map(Number);
      pen.lines(ends, headColour(layout.on[index]), level / OPACITIES, spot ? 2 : 1.4);
    }
    [rows, columns].forEach((units, side) => {
      units.forEach((unit, place) => {
        const here = spot && spot.side === side && spot.place === place;
        pen.text(side ? width - label + 8 : label - 8, this.y(layout, place), fitted(unit.label, label - 8, size), {
          colour: unit.segment ? second : unit.special ? quiet : ink,
          size,
          anchor: side ? "start" : "end",
          bold: Boolean(here),
        });
        if (here && page.focused)
          pen.frame(side ? width - label + 2 : 1, 30 + place * line + 1, label - 3, line - 2, ink);
      });
    });
  },

  /** Behind the tokens of the other side, how strongly each head looks there. */
  drawBlocks(pen, layout, spot) {
    const { maps, rows, columns, label, width, line, on } = layout;
    const others = spot.side ? rows : columns;
    const block = label / maps.length;
    maps.forEach(({ values }, index) => {
      others.forEach((_, place) => {
        const [q, k] = spot.side ? [place, spot.place] : [spot.place, place];
        const value = values[q * columns.length + k];
        if (value < layout.least) return;
        const x = (spot.side ? 0 : width - label) + index * block;
        pen.rect(x, 30 + place * line + 1, block, line - 2, headColour(on[index]), 0.75 * Math.min(1, value));
      });
    });
  },

  at(page, layout, x, y) {
    const place = Math.floor((y - 30) / layout.line);
    const side = x < layout.label + 4 ? 0 : x > layout.width - layout.label - 4 ? 1 : null;
    if (side === null || place < 0) return null;
    return place < (side ? layout.columns : layout.rows).length ? { side, place } : null;
  },

  top(layout, { place }) {
    return 30 + place * layout.line;
  },

  move(page, layout, dx, dy) {
    const from = page.spot ?? page.pinned ?? { side: 0, place: dy ? -Math.max(0, dy) : 0 };
    const side = dx ? Number(dx > 0) : from.side;
    const count = (side ? layout.columns : layout.rows).length;
    return { side, place: Math.max(0, Math.min(count - 1, from.place + dy)) };
  },

  tell(page, layout, spot) {
    const { side, place } = spot;
    const { rows, columns, maps } = layout;
    const others = side ? rows : columns;
    const links = maps.flatMap(({ values }, index) =>
      others.map((other, i) => {
        const weight = side ? values[i * columns.length + place] : values[place * columns.length + i];
        return { head: layout.on[index], label: other.label, weight };
      }),
    );
    links.sort((a, b) => b.weight - a.weight);
    const best = links.slice(0, 3).map(({ head, label, weight }) => {
      const many = maps.length > 1 ? ` (${page.text.heads[head]})` : "";
      return `${isolated(label)} ${weight.toFixed(3)}${many}`;
    });
    return `${isolated(this.unit(layout, spot).label)} ${side ? "←" : "→"} ${best.join(" · ")}`;
  },

  choose(page, layout, spot) {
    const same = page.pinned && page.pinned.side === spot.side && page.pinned.place === spot.place;
    page.pinned = same ? null : spot;
    if (page.pinned) page.tell(say("isolated", { token: isolated(this.unit(layout, spot).label) }));
  },

  unit(layout, { side, place }) {
    return (side ? layout.columns : layout.rows)[place];
  },
};
