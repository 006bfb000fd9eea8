// All heads at a glance: a row for each layer, a column for each head.

const MODEL_VIEW = {
  tools: ["layers"],

  layout(page) {
    const { text } = page;
    const [layers, heads] = text.shape;
    const edge = 34;
    const room = Math.max(280, page.room);
    const size = Math.max(18, Math.min(84, Math.floor((room - edge) / heads) - 4));
    const step = size + 4;
    return { layers, heads, edge, size, step, width: edge + heads * step, height: 24 + layers * step };
  },

  draw(pen, page, layout) {
    const { text, colours } = page;
    const { edge, size, step, layers, heads } = layout;
    const spot = page.spot ?? page.place;
    const scale = heatScale(page.dark);
    for (let h = 0; h < heads; h++)
      pen.text(edge + h * step + size / 2, 12, String(text.heads[h]), {
        colour: colours.quiet, size: 12, anchor: "middle", bold: h === spot.head,
      });
    for (let l = 0; l < layers; l++) {
      pen.text(edge - 8, 24 + l * step + size / 2, String(text.layers[l]), {
        colour: colours.quiet, size: 12, anchor: "end", bold: l === spot.layer,
      });
      for (let h = 0; h < heads; h++)
        pen.picture(edge + h * step, 24 + l * step, size, size, page.thumbnail(l, h, scale));
    }
    pen.frame(edge + spot.head * step - 1, 24 + spot.layer * step - 1, size + 2, size + 2, colours.accent);
  },

  at(page, layout, x, y) {
    const head = Math.floor((x - layout.edge) / layout.step);
    const layer = Math.floor((y - 24) / layout.step);
    const inside = head >= 0 && layer >= 0 && head < layout.heads && layer < layout.layers;
    return inside ? { layer, head } : null;
  },

  top(layout, { layer }) {
    return 24 + layer * layout.step;
  },

  move(page, layout, dx, dy) {
    const from = page.spot ?? page.place;
    return {
      layer: Math.max(0, Math.min(layout.layers - 1, from.layer + dy)),
      head: Math.max(0, Math.min(layout.heads - 1, from.head + dx)),
    };
  },

  tell(page, layout, { layer, head }) {
    return say("layer-head", { layer: page.text.layers[layer], head: page.text.heads[head] });
  },

  choose(page, layout, { layer, head }) {
    page.change({ view: "head", layer, head, heads: [head] });
  },
};
