// From the packed data of the page to texts with their maps.

/** The bytes that stand in the page as gzip in base64. */
async function unpacked(base64) {
  const binary = atob(base64.replace(/\s+/g, ""));
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) packed[i] = binary.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * The texts in those bytes. Each is the length of a header (32 bits, little end first), the header
 * in JSON, and the arrays that it names with their lengths, in bytes.
 */
function textsIn(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const texts = [];
  let at = 0;
  while (at < bytes.length) {
    const length = view.getUint32(at, true);
    const text = JSON.parse(new TextDecoder().decode(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
    for (const [name, size] of text.arrays) {
      const part = bytes.slice(at, at + size);
      if (name === "weights") text[name] = part;
      else if (name === "tops") text[name] = new Float32Array(part.buffer);
      else text[name] = new Int8Array(part.buffer);
      at += size;
    }
    texts.push(text);
  }
  return texts;
}
