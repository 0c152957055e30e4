// What the benchmark of the heap has node do: JSON, maps, strings, buffers. V8 has a heap of its own; the rest is malloc's.
const rows = Array.from({ length: 8000 }, (_, n) => ({ id: n, name: `row ${n}`, tags: [n % 2, n % 3], at: { x: n / 7 } }));
const text = JSON.stringify(rows);
let sum = 0;
for (let i = 0; i < 10; i++) sum += JSON.parse(text).length;

const places = new Map();
for (const word of text.split(/\W+/)) places.set(word, (places.get(word) ?? 0) + 1);

const kept = [];
for (let i = 0; i < 60000; i++) {
  const buffer = Buffer.allocUnsafeSlow(16 + ((i * 7919) % 5000)).fill(i);
  sum += buffer[buffer.length - 1];
  kept[i % 500] = buffer;
}
const zlib = require("zlib");
for (let i = 0; i < 20; i++) sum += zlib.gunzipSync(zlib.gzipSync(text.slice(0, 100000))).length;
console.log(sum, places.size, Buffer.concat(kept).length);
