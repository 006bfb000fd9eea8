// Two pens that draw the same: on a canvas, and as SVG text. Lengths are CSS pixels.

const FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans CJK SC', sans-serif";

class CanvasPen {
  constructor(canvas, width, height, most = 8192) {
    const scale = Math.min(window.devicePixelRatio || 1, most / Math.max(width, height));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    this.context = canvas.getContext("2d");
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
  }

  rect(x, y, width, height, colour, opacity = 1) {
    this.context.globalAlpha = opacity;
    this.context.fillStyle = colour;
    this.context.fillRect(x, y, width, height);
    this.context.globalAlpha = 1;
  }

  frame(x, y, width, height, colour) {
    this.context.strokeStyle = colour;
    this.context.lineWidth = 2;
    this.context.strokeRect(x, y, width, height);
  }

  /** Lines of one look: a flat list of x1, y1, x2, y2. */
  lines(ends, colour, opacity, width) {
    const path = new Path2D();
    for (let i = 0; i < ends.length; i += 4) {
      path.moveTo(ends[i], ends[i + 1]);
      path.lineTo(ends[i + 2], ends[i + 3]);
    }
    this.context.globalAlpha = opacity;
    this.context.strokeStyle = colour;
    this.context.lineWidth = width;
    this.context.stroke(path);
    this.context.globalAlpha = 1;
  }

  /** A text whose middle line is at y; turned ones run upwards from there. */
  text(x, y, text, { colour, size = 13, anchor = "start", turned = false, bold = false }) {
    const { context } = this;
    context.save();
    context.translate(x, y);
    if (turned) context.rotate(-Math.PI / 2);
    context.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
    context.textAlign = anchor === "middle" ? "center" : anchor;
    context.textBaseline = "middle";
    context.direction = "ltr";
    context.fillStyle = colour;
    context.fillText(text, 0, 0);
    context.restore();
  }

  /** Pixels, enlarged without smoothing; colours is a list of [red, green, blue]. */
  picture(x, y, width, height, pixels) {
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(canvasOf(pixels), x, y, width, height);
  }
}

class SvgPen {
  constructor(width, height) {
    this.size = [width, height];
    this.parts = [];
  }

  rect(x, y, width, height, colour, opacity = 1) {
    this.put("rect", { x, y, width, height, fill: colour, ...faint("fill-opacity", opacity) });
  }

  frame(x, y, width, height, colour) {
    this.put("rect", { x, y, width, height, fill: "none", stroke: colour, "stroke-width": 2 });
  }

  lines(ends, colour, opacity, width) {
    const look = { stroke: colour, "stroke-width": width, ...faint("stroke-opacity", opacity) };
    this.parts.push(`<g${attributes(look)}>`);
    for (let i = 0; i < ends.length; i += 4) {
      const [x1, y1, x2, y2] = ends.slice(i, i + 4);
      this.put("line", { x1, y1, x2, y2 });
    }
    this.parts.push("</g>");
  }

  text(x, y, text, { colour, size = 13, anchor = "start", turned = false, bold = false }) {
    this.put(
      "text",
      {
        x,
        y,
        fill: colour,
        "font-size": size,
        "text-anchor": anchor,
        "dominant-baseline": "central",
        "xml:space": "preserve",
        ...(bold ? { "font-weight": 600 } : {}),
        ...(turned ? { transform: `rotate(-90 ${rounded(x)} ${rounded(y)})` } : {}),
      },
      text,
    );
  }

  picture(x, y, width, height, pixels) {
    const href = canvasOf(pixels).toDataURL("image/png");
    const style = "image-rendering:pixelated";
    this.put("image", { x, y, width, height, href, preserveAspectRatio: "none", style });
  }

  put(name, given, text = "") {
    this.parts.push(`<${name}${attributes(given)}>${escaped(text)}</${name}>`);
  }

  get source() {
    const [width, height] = this.size.map(rounded);
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" font-family="${escaped(FONT)}">${this.parts.join("\n")}</svg>\n`
    );
  }
}

function attributes(given) {
  return Object.entries(given)
    .map(([name, value]) => ` ${name}="${escaped(rounded(value))}"`)
    .join("");
}

function faint(name, opacity) {
  return opacity < 1 ? { [name]: opacity } : {};
}

function rounded(value) {
  return typeof value === "number" ? Math.round(value * 1000) / 1000 : value;
}

function escaped(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text)
    .replace(/[&<>"']/g, (one) => names[one])
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
}

/** A canvas of {height, width, colours}: three bytes, red, green and blue, for each pixel. */
function canvasOf(pixels) {
  pixels.canvas ??= painted(pixels); // a picture is drawn again at each move of the pointer
  return pixels.canvas;
}

function painted({ height, width, colours }) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    image.data.set(colours.subarray(3 * i, 3 * i + 3), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const measure = document.createElement("canvas").getContext("2d");

/** A text of no more than so many pixels; what is cut ends in an ellipsis. */
function fitted(text, width, size = 13) {
  measure.font = `${size}px ${FONT}`;
  let short = text.length > 200 ? text.slice(0, 200) : text;
  if (short === text && measure.measureText(text).width <= width) return text;
  const characters = Array.from(short);
  while (characters.length && measure.measureText(characters.join("") + "…").width > width)
    characters.pop();
  return characters.join("") + "…";
}

/** How many pixels the longest of some texts takes, up to a limit. */
function widest(texts, most, size = 13) {
  measure.font = `${size}px ${FONT}`;
  const found = texts.reduce(
    (width, text) => Math.max(width, measure.measureText(text.slice(0, 200)).width),
    0,
  );
  return Math.min(most, Math.ceil(found));
}

/** The colour of a head: twelve that are easy to tell apart, then ever new hues. */
function headColour(head) {
  const twelve = [
    "#3b82c4", "#e8833a", "#3f9b57", "#d1495b", "#8e6bbf", "#8f6248",
    "#d678b6", "#7d8794", "#a8a235", "#2fa5b5", "#5661d6", "#128a6e",
  ];
  return twelve[head] ?? `hsl(${Math.round(head * 137.5) % 360} 55% 50%)`;
}

// Viridis (van der Walt and Smith, 2015; CC0), even steps to the eye; and its end that means more
// is the one that differs from the paper.
const LIGHT_HEAT = ["#f7f8f2", "#d9e6c3", "#a5d3a0", "#66b9a0", "#3d97a5", "#34719b", "#3b4a86", "#3a215f"];
const DARK_HEAT = ["#14161b", "#2c1e50", "#3b4a86", "#34719b", "#3d97a5", "#66b9a0", "#b4dc8c", "#fdf2a0"];

/** The colours of weights 0 to 255 (three bytes each): square roots, so that small ones show. */
function heatScale(dark) {
  const anchors = (dark ? DARK_HEAT : LIGHT_HEAT).map(bytesOf);
  const scale = new Uint8Array(256 * 3);
  for (let level = 0; level < 256; level++) {
    const place = Math.sqrt(level / 255) * (anchors.length - 1);
    const near = Math.min(Math.floor(place), anchors.length - 2);
    for (let i = 0; i < 3; i++) {
      const [from, to] = [anchors[near][i], anchors[near + 1][i]];
      scale[3 * level + i] = Math.round(from + (to - from) * (place - near));
    }
  }
  return scale;
}

function bytesOf(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/** Pixels for weights from 0 to 255. */
function heatPixels({ height, width, values }, scale) {
  const colours = new Uint8Array(values.length * 3);
  values.forEach((level, i) => colours.set(scale.subarray(3 * level, 3 * level + 3), 3 * i));
  return { height, width, colours };
}

/** Pixels for numbers from -top to top: orange below 0, blue above, paper in the middle. */
function signedPixels(rows, top, dark) {
  const paper = bytesOf(dark ? "#1b1e24" : "#ffffff");
  const [below, above] = dark
    ? [bytesOf("#ff9a3c"), bytesOf("#5aa9ff")]
    : [bytesOf("#d9640a"), bytesOf("#1d63c4")];
  const width = rows[0].length;
  const colours = new Uint8Array(rows.length * width * 3);
  rows.forEach((row, y) => {
    row.forEach((value, x) => {
      const part = top > 0 ? Math.min(1, Math.abs(value) / top) : 0;
      const end = value < 0 ? below : above;
      for (let i = 0; i < 3; i++)
        colours[3 * (y * width + x) + i] = Math.round(paper[i] + (end[i] - paper[i]) * part);
    });
  });
  return { height: rows.length, width, colours };
}
