// One map: a row for each query, a column for each key; sorted by a row or a column on request.

const MATRIX_VIEW = {
  tools: ["layers", "source-tool", "pairs", "word-tool", "special-tool", "cell-tool", "unsort"],

  layout(page) {
    const { text, shown } = page;
    const map = mapOf(text, this.weights(page), shown);
    const rows = map.rows.map((_, i) => i);
    const columns = map.columns.map((_, i) => i);
    const at = (q, k) => map.values[q * map.columns.length + k];
    const { by, place } = shown.sort ?? {};
    if (by === "row" && place < rows.length) columns.sort((a, b) => at(place, b) - at(place, a));
    if (by === "column" && place < columns.length) rows.sort((a, b) => at(b, place) - at(a, place));
    const count = Math.max(rows.length, columns.length, 1);
    const labels = [...map.rows, ...map.columns].map((unit) => unit.label);
    const label = widest(labels, 140) + 10;
    const fits = Math.floor((Math.max(280, page.room) - label) / Math.max(1, columns.length));
    const most = Math.max(2, Math.floor(4096 / count));
    const cell = Math.min(most, shown.cell ?? Math.max(3, Math.min(36, fits)));
    const width = label + columns.length * cell;
    return { map, rows, columns, at, label, cell, most, width, height: label + rows.length * cell };
  },

  weights(page) {
    const { text, shown } = page;
    if (shown.source === "rollout" && hasRollout(text)) return rolloutOf(text, shown.layer);
    if (shown.source === "layer") return meanOf(text, headsOf(text, shown.layer));
    if (shown.source === "all") return meanOf(text, headsOf(text));
    return weightsOf(text, shown.layer, shown.head);
  },

  draw(pen, page, layout) {
    const { map, rows, columns, at, label, cell } = layout;
    const spot = page.spot ?? page.pinned;
    const values = new Uint8Array(rows.length * columns.length);
    rows.forEach((q, y) =>
      columns.forEach((k, x) => {
        values[y * columns.length + x] = Math.round(Math.min(1, at(q, k)) * 255);
      }),
    );
    const scale = heatScale(page.dark);
    this.drawCells(pen, { height: rows.length, width: columns.length, values }, layout, scale);
    this.drawLabels(pen, page, map.rows, rows, layout, false);
    this.drawLabels(pen, page, map.columns, columns, layout, true);
    if (cell >= 30)
      rows.forEach((q, y) =>
        columns.forEach((k, x) => {
          const level = values[y * columns.length + x];
          const [red, green, blue] = scale.subarray(3 * level, 3 * level + 3);
          const bright = 0.3 * red + 0.59 * green + 0.11 * blue > 140;
          pen.text(label + (x + 0.5) * cell, label + (y + 0.5) * cell, at(q, k).toFixed(2).replace(/^0/, ""), {
            colour: bright ? "#000000" : "#ffffff", size: 11, anchor: "middle",
          });
        }),
      );
    if (spot && spot.row >= 0 && spot.column >= 0)
      pen.frame(label + spot.column * cell, label + spot.row * cell, cell, cell, page.colours.accent);
  },

  /** Each cell by itself, so that an SVG can be taken apart; one picture where there are many. */
  drawCells(pen, cells, { label, cell }, scale) {
    const { height, width, values } = cells;
    if (height * width > 4096) {
      pen.picture(label, label, width * cell, height * cell, heatPixels(cells, scale));
      return;
    }
    values.forEach((level, i) => {
      const colour = `rgb(${scale.subarray(3 * level, 3 * level + 3).join(",")})`;
      const [x, y] = [i % width, Math.floor(i / width)];
      pen.rect(label + x * cell, label + y * cell, cell, cell, colour);
    });
  },

  drawLabels(pen, page, units, order, { label, cell }, turned) {
    const { ink, quiet, second } = page.colours;
    const size = Math.max(8, Math.min(13, cell - 1));
    const every = Math.max(1, Math.ceil(10 / cell));
    const spot = page.spot ?? page.pinned;
    const sorted = page.shown.sort;
    order.forEach((unit, place) => {
      const here = spot && (turned ? spot.column : spot.row) === place;
      if (place % every && !here) return;
      const along = label + (place + 0.5) * cell;
      const by = sorted && sorted.by === (turned ? "column" : "row") && sorted.place === unit;
      const [x, y] = turned ? [along, label - 6] : [label - 6, along];
      pen.text(x, y, fitted(`${by ? "▸ " : ""}${units[unit].label}`, label - 8, size), {
        colour: units[unit].segment ? second : units[unit].special ? quiet : ink,
        size, anchor: turned ? "start" : "end", turned, bold: Boolean(here || by),
      });
    });
  },

  at(page, layout, x, y) {
    const column = Math.floor((x - layout.label) / layout.cell);
    const row = Math.floor((y - layout.label) / layout.cell);
    if (column >= layout.columns.length || row >= layout.rows.length) return null;
    if (column < 0 && row < 0) return null;
    return { row: Math.max(-1, row), column: Math.max(-1, column) };
  },

  top(layout, { row }) {
    return layout.label + row * layout.cell;
  },

  move(page, layout, dx, dy) {
    const from = page.spot ?? page.pinned ?? { row: 0, column: 0 };
    return {
      row: Math.max(-1, Math.min(layout.rows.length - 1, from.row + dy)),
      column: Math.max(-1, Math.min(layout.columns.length - 1, from.column + dx)),
    };
  },

  tell(page, layout, { row, column }) {
    const { map, rows, columns, at } = layout;
    if (row < 0 && column < 0) return "";
    if (row < 0) return map.columns[columns[column]].label;
    if (column < 0) return map.rows[rows[row]].label;
    return say("from-to", {
      query: isolated(map.rows[rows[row]].label),
      key: isolated(map.columns[columns[column]].label),
      weight: at(rows[row], columns[column]).toFixed(3),
    });
  },

  /** A label sorts the other side by its weights; a cell stays marked. */
  choose(page, layout, { row, column }) {
    const { sort } = page.shown;
    if (row >= 0 && column >= 0) {
      const same = page.pinned && page.pinned.row === row && page.pinned.column === column;
      page.pinned = same ? null : { row, column };
      return;
    }
    const next = row >= 0
      ? { by: "row", place: layout.rows[row] }
      : { by: "column", place: layout.columns[column] };
    const again = sort && sort.by === next.by && sort.place === next.place;
    page.change({ sort: again ? null : next });
  },
};
