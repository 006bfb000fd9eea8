// What the page says, in each of its languages.

const WORDS = {
  en: {
    "text": "Text",
    "head-view": "Heads",
    "model-view": "All heads",
    "matrix-view": "Matrix",
    "neurons-view": "Neurons",
    "theme": "Light or dark",
    "help": "Keys",
    "settings": "What is shown",
    "layer": "Layer",
    "heads": "Heads",
    "between": "From text to text",
    "words": "Words",
    "special": "Special tokens",
    "least": "Weights from",
    "map": "Map",
    "cell": "Size",
    "unsort": "As in the text",
    "token": "Token",
    "table": "The same as a table",
    "rounding":
      "Weights are stored in 8 bits, as parts of the highest weight of their query: each is within " +
      "1/510 of that. Queries and keys are stored in 8 bits with a scale for each head.",
    "all-pairs": "all",
    "one-head": "head {head}",
    "mean-layer": "mean over heads, layer {layer}",
    "mean-all": "mean over layers and heads",
    "rollout": "rollout up to layer {layer}",
    "queries": "queries",
    "keys": "keys",
    "query": "query",
    "key": "key",
    "weight": "weight",
    "score": "q·k scaled",
    "score-bias": "q·k, no bias",
    "softmax": "softmax",
    "product": "q × k",
    "layers-heads": "layers: {layers}, heads: {heads}",
    "kind-self": "self-attention",
    "kind-encoder": "attention in the encoder",
    "kind-decoder": "attention in the decoder",
    "kind-cross": "attention from decoder to encoder",
    "from-to": "{query} → {key}: {weight}",
    "layer-head": "layer {layer} · head {head}",
    "failed": "This text has no attention: {message}",
    "no-neurons": "No queries and keys here: the model tells its weights alone, or heads or tokens are merged.",
    "strongest": "The {count} strongest keys of each query, {place}",
    "isolated": "Only {token}. Escape shows all.",
    "all-heads": "all",
    "no-texts": "There is no text to show.",
    "bad-data": "The data of this page is damaged: {message}",
    "key-list":
      "Tab moves between controls · 1–4 choose the view · [ and ] the layer · , and . the head · " +
      "↑ ↓ ← → walk through tokens, heads or cells · Enter isolates a token or opens a head · " +
      "Escape shows everything · w groups tokens to words · t light or dark",
  },
  zh: {
    "text": "文本",
    "head-view": "注意力头",
    "model-view": "全部头",
    "matrix-view": "矩阵",
    "neurons-view": "神经元",
    "theme": "浅色或深色",
    "help": "快捷键",
    "settings": "显示内容",
    "layer": "层",
    "heads": "头",
    "between": "从哪段到哪段",
    "words": "合并为词",
    "special": "特殊词元",
    "least": "权重不小于",
    "map": "矩阵来源",
    "cell": "大小",
    "unsort": "按原文顺序",
    "token": "词元",
    "table": "以表格显示",
    "rounding":
      "权重以 8 位存储,表示为该 query 最大权重的几分之几,误差不超过其 1/510。query 与 key 以 8 位存储,每个头各有比例系数。",
    "all-pairs": "全部",
    "one-head": "第 {head} 头",
    "mean-layer": "第 {layer} 层各头平均",
    "mean-all": "全部头平均",
    "rollout": "rollout(累积到第 {layer} 层)",
    "queries": "query",
    "keys": "key",
    "query": "query",
    "key": "key",
    "weight": "权重",
    "score": "q·k(缩放后)",
    "score-bias": "q·k(不含偏置)",
    "softmax": "softmax",
    "product": "q × k",
    "layers-heads": "{layers} 层,{heads} 头",
    "kind-self": "自注意力",
    "kind-encoder": "编码器注意力",
    "kind-decoder": "解码器注意力",
    "kind-cross": "解码器到编码器的注意力",
    "from-to": "{query} → {key}:{weight}",
    "layer-head": "第 {layer} 层 · 第 {head} 头",
    "failed": "这段文本没有注意力:{message}",
    "no-neurons": "此处没有 query 和 key:模型只给出权重,或者头或词元已被合并。",
    "strongest": "每个 query 权重最大的 {count} 个 key,{place}",
    "isolated": "只显示 {token}。按 Esc 显示全部。",
    "all-heads": "全部",
    "no-texts": "没有可显示的文本。",
    "bad-data": "本页数据已损坏:{message}",
    "key-list":
      "Tab 在控件之间移动 · 1–4 选择视图 · [ 和 ] 换层 · , 和 . 换头 · ↑ ↓ ← → 在词元、头或单元格间移动 · " +
      "Enter 只看一个词元或打开一个头 · Esc 显示全部 · w 合并为词 · t 浅色或深色",
  },
};

/** A token whose direction of writing leaves the words around it as they are. */
function isolated(label) {
  return `\u2068${label}\u2069`;
}

/** A phrase in the language of the page, its {places} filled in. */
function say(name, places = {}) {
  const phrase = WORDS[document.documentElement.lang === "zh" ? "zh" : "en"][name];
  return phrase.replace(/\{(\w+)\}/g, (_, place) => String(places[place]));
}
