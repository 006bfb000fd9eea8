// Maps of attention between the units that are shown. A map is {rows, columns, values}: its sides
// are lists of units, its values weights from 0 to 1, row by row.

/** The tokens of one side of a map, or its words: {label, segment, special, first, last}. */
function unitsOf(side, words) {
  const starts = words && side.words ? side.words.starts : side.labels.map((_, i) => i);
  const labels = words && side.words ? side.words.labels : side.labels;
  return starts.map((first, i) => ({
    label: labels[i],
    segment: side.segments[first],
    special: side.special[first],
    first,
    last: (starts[i + 1] ?? side.labels.length) - 1,
  }));
}

/** Whether a text is a pair, on both sides of its maps. */
function isPair({ queries, keys }) {
  return Boolean(queries) && [queries, keys].every((side) => side.segments.includes(1));
}

/** The units that the filters leave over. */
function shownUnits(side, shown, end) {
  const segment = shown.pair === "all" ? null : "ab".indexOf(shown.pair[end]);
  return unitsOf(side, shown.words).filter(
    (unit) =>
      (segment === null || unit.segment === segment) && (shown.special || !unit.special),
  );
}

/** Where the weights of a head begin among those of a text. */
function offsetOf(text, layer, head) {
  const [, heads, queries, keys] = text.shape;
  return (layer * heads + head) * queries * keys;
}

/** All weights of a head between tokens, as numbers from 0 to 1. */
function weightsOf(text, layer, head) {
  return meanOf(text, [[layer, head]]);
}

/** The mean over some heads, each [layer, head]. A row is stored as parts of its highest weight. */
function meanOf(text, heads) {
  const [, , queries, keys] = text.shape;
  const found = new Float32Array(queries * keys);
  for (const [layer, head] of heads) {
    const offset = offsetOf(text, layer, head);
    for (let q = 0; q < queries; q++) {
      const unit = topOf(text, layer, head, q) / 255 / heads.length;
      for (let i = q * keys; i < (q + 1) * keys; i++) found[i] += text.weights[offset + i] * unit;
    }
  }
  return found;
}

/** The highest weight of a query. */
function topOf(text, layer, head, query) {
  const [, heads, queries] = text.shape;
  return text.tops[(layer * heads + head) * queries + query];
}

/** Every head of a layer, or of all. */
function headsOf(text, layer = null) {
  const layers = layer === null ? text.layers.map((_, i) => i) : [layer];
  return layers.flatMap((l) => text.heads.map((_, h) => [l, h]));
}

/**
 * How much of each token arrives at the end of a layer, through all layers before it: heads are
 * averaged, half of a token stays where it is, layers are multiplied (Abnar and Zuidema 2020).
 */
function rolloutOf(text, layer) {
  text.rollouts ??= new Map();
  if (!text.rollouts.has(layer)) text.rollouts.set(layer, followed(text, layer));
  return text.rollouts.get(layer);
}

function followed(text, layer) {
  const count = text.shape[2];
  let arrived = null;
  for (let l = 0; l <= layer; l++) {
    const map = meanOf(text, headsOf(text, l));
    for (let q = 0; q < count; q++) {
      const row = map.subarray(q * count, (q + 1) * count);
      const sum = row.reduce((all, weight) => all + weight, 0); // 1, but for the 8 bits
      row.forEach((weight, k) => (row[k] = (0.5 * weight) / sum));
      row[q] += 0.5;
    }
    arrived = arrived ? product(map, arrived, count) : map;
  }
  return arrived;
}

function product(left, right, count) {
  const found = new Float32Array(count * count);
  for (let i = 0; i < count; i++)
    for (let k = 0; k < count; k++) {
      const factor = left[i * count + k];
      if (factor === 0) continue;
      for (let j = 0; j < count; j++) found[i * count + j] += factor * right[k * count + j];
    }
  return found;
}

/** Rollout needs all heads and all tokens of a text, and all layers from the first one on. */
function hasRollout(text) {
  return text.rollout && text.layers.every((layer, i) => layer === i);
}

/** Weights between tokens as a map between units: summed to a word, averaged from it. */
function mapOf(text, weights, shown) {
  const rows = shownUnits(text.queries, shown, 0);
  const columns = shownUnits(text.keys, shown, 1);
  const keys = text.shape[3];
  const values = new Float32Array(rows.length * columns.length);
  rows.forEach((row, i) => {
    columns.forEach((column, j) => {
      let sum = 0;
      for (let q = row.first; q <= row.last; q++)
        for (let k = column.first; k <= column.last; k++) sum += weights[q * keys + k];
      values[i * columns.length + j] = sum / (row.last - row.first + 1);
    });
  });
  return { rows, columns, values };
}

/** The highest weight in each of size × size blocks, for a small picture. */
function pooled(text, layer, head, size) {
  const [, , queries, keys] = text.shape;
  const height = Math.min(size, queries);
  const width = Math.min(size, keys);
  const found = new Uint8Array(height * width);
  const offset = offsetOf(text, layer, head);
  for (let q = 0; q < queries; q++) {
    const top = topOf(text, layer, head, q);
    const row = Math.floor((q * height) / queries) * width;
    for (let k = 0; k < keys; k++) {
      const place = row + Math.floor((k * width) / keys);
      const weight = Math.round(text.weights[offset + q * keys + k] * top);
      if (weight > found[place]) found[place] = weight;
    }
  }
  return { height, width, values: found };
}

/** How the query of a token meets each key, from the stored queries and keys. */
function neuronsOf(text, layer, head, token) {
  const { dim, scaling } = text.vectors;
  const [, heads, queries, keys] = text.shape;
  const place = layer * heads + head;
  const queryScale = text.vectors.query[place] / 127;
  const keyScale = text.vectors.key[place] / 127;
  const start = (place * queries + token) * dim;
  const query = Float32Array.from(text.query.subarray(start, start + dim), (v) => v * queryScale);
  const weights = weightsOf(text, layer, head);
  const rows = [];
  for (let k = 0; k < keys; k++) {
    const from = (place * keys + k) * dim;
    const key = Float32Array.from(text.key.subarray(from, from + dim), (v) => v * keyScale);
    const products = key.map((value, i) => value * query[i]);
    const score = products.reduce((sum, value) => sum + value, 0) * scaling[layer];
    const weight = weights[token * keys + k];
    rows.push({ key, products, score, weight });
  }
  return { query, rows };
}
