// The page: what is shown, the controls that change it, and the address that remembers it.

/** The heads that are on in the beginning: all, where their lines can be told apart. */
function firstHeads({ heads = [], shape = [0, 0, 0, 0] }) {
  const all = heads.map((_, head) => head);
  return shape[1] * shape[2] * shape[3] > 40000 ? all.slice(0, 1) : all;
}

const VIEWS = { head: HEAD_VIEW, model: MODEL_VIEW, matrix: MATRIX_VIEW, neurons: NEURON_VIEW };
const PAIRS = ["all", "aa", "ab", "ba", "bb"];
const find = (id) => document.getElementById(id);

class Page {
  constructor(texts) {
    this.texts = texts;
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.thumbnails = new Map();
    this.spot = null; // where the pointer, or the keyboard, is
    this.pinned = null;
    this.focused = false;
    this.theme = ""; // light or dark, where the reader chose
    this.printing = false;
    find("main").append(this.canvas);
    this.restore();
  }

  get text() {
    return this.texts[this.shown.text];
  }

  get place() {
    return { layer: this.shown.layer, head: this.shown.head };
  }

  get view() {
    return VIEWS[this.shown.view];
  }

  get room() {
    return find("main").clientWidth - 4;
  }

  get dark() {
    if (this.printing) return false;
    return this.theme ? this.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  get colours() {
    const style = getComputedStyle(document.documentElement);
    const names = ["ink", "quiet", "second", "accent", "paper", "above", "below"];
    return Object.fromEntries(names.map((n) => [n, style.getPropertyValue(`--${n}`).trim()]));
  }

  /** What the address says, or the beginning. */
  restore() {
    const given = new URLSearchParams(location.hash.slice(1));
    const whole = (name, count, other) => {
      const value = given.has(name) ? Number(given.get(name)) : NaN;
      return Number.isInteger(value) && value >= 0 && value < count ? value : other;
    };
    const word = (name, words, other) => (words.includes(given.get(name)) ? given.get(name) : other);
    const text = whole("text", this.texts.length, 0);
    const { layers, heads, queries } = { heads: [], layers: [], ...this.texts[text] };
    const on = given.has("heads") ? given.get("heads").split(".").map(Number) : null;
    const [by, place] = (given.get("sort") ?? "").split(".");
    document.documentElement.lang = word("lang", ["en", "zh"], navigator.language.startsWith("zh") ? "zh" : "en");
    this.theme = word("theme", ["light", "dark"], "");
    this.shown = {
      text,
      view: word("view", Object.keys(VIEWS), "head"),
      layer: whole("layer", layers.length, 0),
      head: whole("head", heads.length, 0),
      heads: on ? heads.map((_, head) => head).filter((head) => on.includes(head)) : firstHeads(this.texts[text]),
      token: whole("token", queries ? queries.labels.length : 0, 0),
      pair: isPair(this.texts[text]) ? word("pair", PAIRS, "all") : "all",
      words: given.get("words") === "1",
      special: given.get("special") !== "0",
      least: whole("least", 256, null),
      source: word("map", ["layer", "all", "rollout"], "head"),
      cell: whole("cell", 49, null) || null,
      sort: ["row", "column"].includes(by) && place >= 0 ? { by, place: Number(place) } : null,
    };
    this.spot = this.pinned = null;
    this.tell("");
    this.render();
  }

  /** The address of what is shown; what is as in the beginning is left out. */
  get fragment() {
    const s = this.shown;
    const first = String(s.heads) === String(firstHeads(this.text));
    const said = {
      view: s.view, text: s.text || null, layer: s.layer || null, head: s.head || null,
      heads: first ? null : s.heads.join(".") || "none", token: s.token || null,
      pair: s.pair === "all" ? null : s.pair, words: s.words ? 1 : null,
      special: s.special ? null : 0, least: s.least, map: s.source === "head" ? null : s.source,
      cell: s.cell, sort: s.sort && `${s.sort.by}.${s.sort.place}`,
      lang: document.documentElement.lang, theme: this.theme || null,
    };
    const kept = Object.entries(said).filter(([, value]) => value !== null);
    return `#${new URLSearchParams(kept)}`;
  }

  change(changes) {
    const { text, heads } = this.shown;
    const untouched = String(heads) === String(firstHeads(this.text));
    Object.assign(this.shown, changes);
    if (["view", "words", "special", "pair", "sort", "token"].some((name) => name in changes)) {
      this.spot = this.pinned = null; // a place among other units
      this.tell("");
    }
    if ("text" in changes && changes.text !== text) {
      if (untouched) this.shown.heads = firstHeads(this.text);
      history.replaceState(null, "", this.fragment);
      this.restore(); // another text may have fewer layers, heads or tokens
      return;
    }
    this.render();
    history.replaceState(null, "", this.fragment);
  }

  render() {
    document.documentElement.dataset.theme = this.dark ? "dark" : "light";
    fillControls(this);
    document.title = find("title").textContent;
    this.layout = this.text.error ? null : this.view.layout(this);
    fillSliders(this.layout ?? {});
    this.draw();
    fillTable(this);
  }

  draw() {
    const { layout, canvas, text } = this;
    const nothing = text.error ? say("failed", { message: text.error }) : layout.nothing;
    canvas.hidden = Boolean(nothing);
    if (nothing) {
      this.tell(nothing);
      return;
    }
    this.view.draw(new CanvasPen(canvas, layout.width, layout.height), this, layout);
    canvas.setAttribute("aria-label", `${say(`${this.shown.view}-view`)}. ${say("key-list")}`);
  }

  tell(words) {
    find("said").textContent = words;
  }

  /** Go to a place in the picture: what is there is shown and said. */
  go(spot) {
    if (JSON.stringify(spot) === JSON.stringify(this.spot)) return;
    this.spot = spot;
    this.draw();
    this.tell(spot ? this.view.tell(this, this.layout, spot) : "");
  }

  /** Go on by keyboard; the window follows. */
  walk(dx, dy) {
    const spot = this.view.move(this, this.layout, dx, dy);
    if (!spot) return;
    this.go(spot);
    const top = this.canvas.getBoundingClientRect().top + this.view.top(this.layout, spot);
    if (top < 40) window.scrollBy(0, top - 40);
    else if (top > innerHeight - 60) window.scrollBy(0, top - innerHeight + 60);
  }

  choose(spot) {
    if (!spot) return;
    this.view.choose(this, this.layout, spot);
    this.draw();
  }

  thumbnail(layer, head, scale) {
    const name = `${this.shown.text} ${layer} ${head} ${this.dark}`;
    if (!this.thumbnails.has(name))
      this.thumbnails.set(name, heatPixels(pooled(this.text, layer, head, 64), scale));
    return this.thumbnails.get(name);
  }

  step(name, by) {
    if (this.text.error) return;
    const count = this.text[`${name}s`].length;
    const next = (this.shown[name] + by + count) % count;
    const heads = name === "head" && this.shown.view === "head" ? { heads: [next] } : {};
    this.change({ [name]: next, ...heads });
  }
}

/** Let every control say what is shown, in the language of the page. */
function fillControls(page) {
  const { shown, text } = page;
  for (const one of document.querySelectorAll("[data-say]")) one.textContent = say(one.dataset.say);
  for (const one of document.querySelectorAll("[data-name]")) one.ariaLabel = say(one.dataset.name);
  find("keys-help").textContent = say("key-list");
  find("language").textContent = document.documentElement.lang === "zh" ? "English" : "中文";
  find("language").lang = document.documentElement.lang === "zh" ? "en" : "zh";
  find("title").textContent = text.title;
  const model = text.model ? `${text.model} · ` : "";
  const size = text.shape && say("layers-heads", { layers: text.shape[0], heads: text.shape[1] });
  find("about").textContent = text.error ? "" : `${model}${say(`kind-${text.kind}`)} · ${size}`;
  find("texts").hidden = page.texts.length < 2;
  fillSelect("text", page.texts.map((one, i) => [i, `${i + 1}. ${fitted(one.title, 260)}`]), shown.text);
  for (const tab of find("views").children) {
    const chosen = tab.dataset.view === shown.view;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    tab.setAttribute("aria-controls", "main");
  }
  find("main").setAttribute("aria-labelledby", `tab-${shown.view}`);
  const tools = text.error ? [] : page.view.tools;
  for (const tool of find("tools").children) tool.hidden = !tools.includes(tool.id);
  for (const kind of ["svg", "png"]) find(kind).disabled = Boolean(text.error);
  if (text.error) return;
  fillChoice(page, "layers", text.layers, (layer) => layer === shown.layer);
  const many = shown.view === "head";
  fillChoice(page, "heads", text.heads, (head) => (many ? shown.heads.includes(head) : head === shown.head));
  find("pairs").hidden ||= !isPair(text);
  const arrows = PAIRS.map((pair) => [pair, pair === "all" ? say("all-pairs") : [...pair.toUpperCase()].join(" → ")]);
  fillSelect("pair", arrows, shown.pair);
  find("word-tool").hidden ||= !(text.queries.words && text.keys.words);
  find("words").checked = shown.words;
  find("special-tool").hidden ||= ![...text.queries.special, ...text.keys.special].includes(true);
  find("special").checked = shown.special;
  const layer = text.layers[shown.layer];
  const sources = [["head", say("one-head", { head: text.heads[shown.head] })]];
  if (text.heads.length > 1) sources.push(["layer", say("mean-layer", { layer })]);
  if (text.layers.length > 1) sources.push(["all", say("mean-all")]);
  if (hasRollout(text)) sources.push(["rollout", say("rollout", { layer })]);
  fillSelect("source", sources, shown.source);
  if (shown.view === "matrix" && shown.source === "head") find("heads").hidden = false;
  find("unsort").disabled = !shown.sort;
  const tokens = text.queries.labels.map((label, i) => [i, `${i} ${fitted(label, 160)}`]);
  fillSelect("token", shown.view === "neurons" ? tokens : [], shown.token);
}

/** Let the sliders stand where the picture is, also where nobody moved them. */
function fillSliders({ least, cell, most }) {
  if (least !== undefined) {
    find("least").value = String(Math.round(least * 255));
    find("least-value").textContent = least.toFixed(3);
  }
  if (cell !== undefined) {
    find("cell").max = String(Math.min(48, most));
    find("cell").value = String(cell);
  }
}

function fillSelect(id, choices, chosen) {
  const options = choices.map(([value, label]) => {
    const option = document.createElement("option");
    option.value = value;
    option.textContent = label;
    return option;
  });
  find(id).replaceChildren(...options);
  find(id).value = String(chosen);
}

/** A row of buttons, one for each layer or head, and in the head view one for all. */
function fillChoice(page, id, names, isOn) {
  const fieldset = find(id);
  const wanted = names.map((label, place) => ({ label, place: String(place), on: isOn(place) }));
  if (id === "heads" && page.shown.view === "head") {
    const on = page.shown.heads.length === names.length;
    wanted.push({ label: say("all-heads"), place: "all", on });
  }
  const buttons = [...fieldset.querySelectorAll("button")]; // kept: they have focus, and clicks
  buttons.slice(wanted.length).forEach((button) => button.remove());
  wanted.forEach(({ label, place, on }, i) => {
    const button = buttons[i] ?? fieldset.appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = String(label);
    button.dataset.place = place;
    button.setAttribute("aria-pressed", String(on));
    const colour = id === "heads" && place !== "all" ? headColour(i) : "";
    button.style.setProperty("--head", colour);
  });
}

const STRONGEST = 5;

/** What the picture shows, for who cannot see it: the strongest keys of each query. */
function fillTable(page) {
  const box = find("table").lastElementChild;
  if (!find("table").open || page.text.error) {
    box.replaceChildren();
    return;
  }
  const { text, shown } = page;
  const head = shown.view === "head" && shown.heads.length ? shown.heads[0] : shown.head;
  const matrix = shown.view === "matrix";
  const map = matrix ? page.layout.map : mapOf(text, weightsOf(text, shown.layer, head), shown);
  const table = document.createElement("table");
  const one = say("layer-head", { layer: text.layers[shown.layer], head: text.heads[head] });
  const place = matrix && shown.source !== "head" ? find("source").selectedOptions[0].textContent : one;
  table.createCaption().textContent = say("strongest", { count: STRONGEST, place });
  const titles = table.createTHead().insertRow();
  for (const title of ["query", "key", "weight"]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = say(title);
    titles.append(cell);
  }
  const body = table.createTBody();
  map.rows.forEach((query, q) => {
    const order = map.columns.map((_, k) => k);
    const weight = (k) => map.values[q * map.columns.length + k];
    order.sort((a, b) => weight(b) - weight(a));
    for (const k of order.slice(0, STRONGEST)) {
      const row = body.insertRow();
      for (const value of [query.label, map.columns[k].label, weight(k).toFixed(3)])
        row.insertCell().textContent = value;
    }
  });
  box.replaceChildren(table);
}

/** Give the shown view to the reader as a file. */
async function save(page, kind) {
  if (page.text.error || page.layout.nothing) return;
  const { layout, colours } = page;
  const [width, height] = [layout.width + 32, layout.height + 32];
  const draw = (pen) => {
    pen.rect(-16, -16, width, height, colours.paper);
    page.view.draw(pen, page, layout);
  };
  let blob;
  if (kind === "svg") {
    const pen = new SvgPen(width, height);
    pen.parts.push('<g transform="translate(16 16)">');
    draw(pen);
    pen.parts.push("</g>");
    blob = new Blob([pen.source], { type: "image/svg+xml" });
  } else {
    const canvas = document.createElement("canvas");
    const pen = new CanvasPen(canvas, width, height, 2 * Math.max(width, height));
    pen.context.translate(16, 16);
    draw(pen);
    blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `attention-${page.shown.view}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function listen(page) {
  const { canvas } = page;
  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    return page.view.at(page, page.layout, event.clientX - box.left, event.clientY - box.top);
  };
  canvas.addEventListener("pointermove", (event) => page.go(under(event)));
  canvas.addEventListener("pointerleave", () => page.go(null));
  canvas.addEventListener("click", (event) => page.choose(under(event)));
  canvas.addEventListener("focus", () => {
    page.focused = canvas.matches(":focus-visible");
  });
  canvas.addEventListener("blur", () => {
    page.focused = false;
    page.go(null);
  });
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const step = steps[event.key];
    if (step) page.walk(...step);
    else if (event.key === "Enter" || event.key === " ") page.choose(page.spot);
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const views = Object.keys(VIEWS);
    if ("1234".includes(event.key)) page.change({ view: views[Number(event.key) - 1] });
    else if (event.key === "[" || event.key === "]") page.step("layer", event.key === "]" ? 1 : -1);
    else if (event.key === "," || event.key === ".") page.step("head", event.key === "." ? 1 : -1);
    else if (event.key === "w" && !find("word-tool").hidden) page.change({ words: !page.shown.words });
    else if (event.key === "t") find("theme").click();
    else if (event.key === "?") find("help").click();
    else if (event.key === "Escape") {
      page.pinned = null;
      page.go(null);
      page.draw();
    } else return;
    event.preventDefault();
  });
  listenToControls(page);
  window.addEventListener("hashchange", () => page.restore());
  let width = page.room;
  new ResizeObserver(() => {
    if (page.room !== width) page.render();
    width = page.room;
  }).observe(find("main"));
  for (const event of ["beforeprint", "afterprint"])
    window.addEventListener(event, () => {
      page.printing = event === "beforeprint"; // paper is light
      page.render();
    });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => page.render());
}

function listenToControls(page) {
  const on = (id, event, work) => find(id).addEventListener(event, work);
  const value = (event) => Number(event.target.value);
  on("tools", "submit", (event) => event.preventDefault());
  on("text", "change", (event) => page.change({ text: value(event) }));
  on("views", "click", (event) => event.target.dataset.view && page.change({ view: event.target.dataset.view }));
  on("views", "keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const views = Object.keys(VIEWS);
    const next = views[(views.indexOf(page.shown.view) + by + views.length) % views.length];
    page.change({ view: next });
    find(`tab-${next}`).focus();
    event.preventDefault();
  });
  on("layers", "click", (event) => {
    if (event.target.dataset.place) page.change({ layer: Number(event.target.dataset.place) });
  });
  on("heads", "click", (event) => chooseHead(page, event.target.dataset.place));
  on("heads", "dblclick", ({ target: { dataset } }) => {
    if (page.shown.view === "head" && dataset.place && dataset.place !== "all")
      page.change({ heads: [Number(dataset.place)], head: Number(dataset.place) });
  });
  on("pair", "change", (event) => page.change({ pair: event.target.value, sort: null }));
  on("words", "change", (event) => page.change({ words: event.target.checked, sort: null }));
  on("special", "change", (event) => page.change({ special: event.target.checked, sort: null }));
  on("least", "input", (event) => page.change({ least: value(event) }));
  on("source", "change", (event) => page.change({ source: event.target.value }));
  on("cell", "input", (event) => page.change({ cell: value(event) }));
  on("unsort", "click", () => page.change({ sort: null }));
  on("token", "change", (event) => page.change({ token: value(event) }));
  on("svg", "click", () => save(page, "svg"));
  on("png", "click", () => save(page, "png"));
  on("table", "toggle", () => fillTable(page));
  on("theme", "click", () => {
    page.theme = page.dark ? "light" : "dark";
    page.change({});
  });
  on("language", "click", () => {
    document.documentElement.lang = document.documentElement.lang === "zh" ? "en" : "zh";
    page.change({});
  });
  on("help", "click", () => {
    find("keys-help").hidden = !find("keys-help").hidden;
    find("help").setAttribute("aria-expanded", String(!find("keys-help").hidden));
  });
}

/** Switch a head on or off; where only one is shown, show that one. */
function chooseHead(page, place) {
  if (place === undefined) return;
  const { heads, view } = page.shown;
  const every = page.text.heads.map((_, head) => head);
  const head = Number(place);
  if (place === "all") page.change({ heads: heads.length === every.length ? [] : every });
  else if (view !== "head") page.change({ head });
  else {
    const on = heads.includes(head) ? heads.filter((one) => one !== head) : [...heads, head];
    page.change({ heads: on.sort((a, b) => a - b), head });
  }
}

async function start() {
  try {
    const texts = textsIn(await unpacked(find("data").textContent));
    if (!texts.length) {
      document.body.textContent = say("no-texts");
      return;
    }
    window.page = new Page(texts);
    performance.mark("shown");
    listen(window.page);
  } catch (error) {
    find("said").textContent = say("bad-data", { message: error.message });
    throw error;
  }
}

start();
