// How the query of one token meets each key, number by number: blue above 0, orange below.

const NEURON_VIEW = {
  tools: ["layers", "heads", "token-tool"],

  layout(page) {
    const { text, shown } = page;
    if (!text.vectors) return { nothing: say("no-neurons"), width: 0, height: 0 };
    const token = Math.min(shown.token, text.queries.labels.length - 1);
    const found = neuronsOf(text, shown.layer, shown.head, token);
    const label = widest([...text.keys.labels, text.queries.labels[token]], 130) + 10;
    const room = Math.max(280, page.room);
    const bars = Math.max(62, Math.min(90, room * 0.1));
    const strip = Math.max(64, Math.min(4 * text.vectors.dim, (room - label - 2 * bars - 40) / 2));
    const line = text.keys.labels.length > 150 ? 14 : 20;
    const columns = {
      key: label,
      product: label + strip + 12,
      score: label + 2 * (strip + 12),
      weight: label + 2 * (strip + 12) + bars + 12,
    };
    const width = columns.weight + bars + 4;
    const top = 62;
    const height = top + found.rows.length * line + 4;
    return { ...found, ...this.pictures(page, found), token, label, strip, bars, line, columns, top, width, height };
  },

  /** Vectors as pixels, each kind in colours of its own range. */
  pictures({ dark }, { query, rows }) {
    const most = (lists) =>
      lists.reduce((top, list) => list.reduce((t, v) => Math.max(t, Math.abs(v)), top), 0);
    const keys = rows.map((row) => row.key);
    const products = rows.map((row) => row.products);
    const [ofKeys, ofProducts] = [most(keys), most(products)];
    return {
      queryPicture: signedPixels([query], most([query]), dark),
      keyPictures: keys.map((key) => signedPixels([key], ofKeys, dark)),
      productPictures: products.map((product) => signedPixels([product], ofProducts, dark)),
      highest: most([rows.map((row) => row.score)]),
    };
  },

  draw(pen, page, layout) {
    const { colours, text } = page;
    if (layout.nothing) return;
    const { rows, token, label, strip, bars, line, columns, top, highest } = layout;
    const heading = (x, y, words) => pen.text(x, y, words, { colour: colours.quiet, size: 12 });
    heading(columns.key, 12, say("query"));
    heading(columns.score, 12, fitted(say(text.vectors.bias ? "score-bias" : "score"), bars + 6, 12));
    heading(columns.weight, 12, say("softmax"));
    const own = text.queries.labels[token];
    pen.text(label - 8, 30, fitted(own, label - 10), { colour: colours.ink, anchor: "end", bold: true });
    pen.picture(columns.key, 22, strip, 16, layout.queryPicture);
    heading(columns.key, 52, say("key"));
    heading(columns.product, 52, say("product"));
    const spot = page.spot ?? page.pinned;
    rows.forEach((row, place) => {
      const y = top + place * line;
      const here = spot && spot.place === place;
      pen.text(label - 8, y + line / 2, fitted(text.keys.labels[place], label - 10, Math.min(13, line - 4)), {
        colour: text.keys.segments[place] ? colours.second : colours.ink,
        size: Math.min(13, line - 4), anchor: "end", bold: Boolean(here),
      });
      if (text.causal && place > token) return; // what it may not see
      const height = line - 4;
      pen.picture(columns.key, y + 2, strip, height, layout.keyPictures[place]);
      pen.picture(columns.product, y + 2, strip, height, layout.productPictures[place]);
      const length = highest ? (Math.abs(row.score) / highest) * bars : 0;
      pen.rect(columns.score, y + 2, length, height, row.score < 0 ? colours.below : colours.above);
      pen.rect(columns.weight, y + 2, row.weight * bars, height, colours.above);
      if (here) pen.frame(1, y, layout.width - 2, line, colours.accent);
    });
  },

  at(page, layout, x, y) {
    if (layout.nothing) return null;
    const place = Math.floor((y - layout.top) / layout.line);
    return place >= 0 && place < layout.rows.length ? { place } : null;
  },

  top(layout, { place }) {
    return layout.top + place * layout.line;
  },

  move(page, layout, dx, dy) {
    if (layout.nothing) return null;
    const from = page.spot ?? page.pinned ?? { place: dy ? -1 : 0 };
    return { place: Math.max(0, Math.min(layout.rows.length - 1, from.place + dy)) };
  },

  tell(page, layout, { place }) {
    const { score, weight } = layout.rows[place];
    const pair = say("from-to", {
      query: isolated(page.text.queries.labels[layout.token]),
      key: isolated(page.text.keys.labels[place]),
      weight: weight.toFixed(3),
    });
    return `${pair} · ${say("score")} ${score.toFixed(3)}`;
  },

  /** The key's own query comes next, where both are of one text. */
  choose(page, layout, { place }) {
    if (page.text.same) page.change({ token: place });
  },
};
