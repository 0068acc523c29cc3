// Builds bench/data from the photographs that setup.sh unpacked. Deterministic: the noise has a
// fixed seed.
//
// Only two free photographs of 15 to 24 megapixels are in Debian's packages; both are used as they
// are. The others are made of free photographs of 6 to 13 megapixels: enlarged a little, or laid
// side by side at their own scale, with the noise a camera's sensor would add, and saved as a
// camera saves (quality 92).
import {
  copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";

const here = dirname(fileURLToPath(import.meta.url));
const data = join(here, "data");
const old = join(data, "packages/lomiri-wallpapers-16.04/usr/share/backgrounds");
const recent = join(data, "packages/lomiri-wallpapers-20.04/usr/share/backgrounds");

const source = {
  aitzgorri: join(old, "aitzgorri_by_Aitzol_Berasategi.jpg"),
  bridge: join(old, "Bridge_by_Sander_Klootwijk.jpg"),
  clock: join(old, "greentock_by_Peter_Nerlich.jpg"),
  dogs: join(old, "friends_by_Aitzol_Berasategi.jpg"),
  dragonfly: join(old, "Dragonfly_by_Bolly.jpg"),
  fig: join(old, "Picture_0B_by_freespace.jpg"),
  lamp: join(old, "free_by_Peter_Nerlich.jpg"),
  picos: join(old, "picosdeeuropa_by_Aitzol_Berasategi.jpg"),
  stream: join(old, "life_by_Aitzol_Berasategi.jpg"),
  sunset: join(old, "sunset_by_Aitzol_Berasategi.jpg"),
  wine: join(old, "Wine_by_Jakkub_Mede.jpg"),
  dandelion: join(old, "seeding_by_Clements_Engelhardt.jpg"),
  nuthatch: join(recent, "Kleiber_by_Lukas_Baubkus.jpg"),
};

/** Gaussian samples from a fixed seed (xorshift32 and Box-Muller). */
function gaussians(count, sigma) {
  let state = 0x9e3779b9;
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 1) / 4294967297;
  };
  const samples = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    samples[i] =
      sigma * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  }
  return samples;
}

function addNoise(pixels, sigma) {
  const table = gaussians(1 << 20, sigma);
  let seed = 12345;
  for (let i = 0; i < pixels.length; i += 1) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const value = pixels[i] + table[seed >>> 12];
    pixels[i] = value < 0 ? 0 : value > 255 ? 255 : value + 0.5;
  }
}

/** Saves as a camera does, with sensor-like noise. */
async function camera(pipeline, name, options = {}) {
  const { data: pixels, info } = await pipeline
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  addNoise(pixels, 3.5);
  await sharp(pixels, { raw: { width: info.width, height: info.height, channels: 3 } })
    .jpeg({ quality: 92, chromaSubsampling: "4:2:0", ...options })
    .toFile(join(data, "photos", name));
}

/** Four photographs at their own scale, two by two. */
async function mosaic(names, [width, height]) {
  const cell = { width: width / 2, height: height / 2 };
  const tiles = await Promise.all(
    names.map((name) => sharp(source[name]).resize({ ...cell, fit: "cover" }).toBuffer()),
  );
  return sharp({ create: { width, height, channels: 3, background: "black" } }).composite(
    tiles.map((input, i) => ({
      input,
      left: (i % 2) * cell.width,
      top: Math.floor(i / 2) * cell.height,
    })),
  );
}

async function make(folder, name, build) {
  const path = join(data, folder, name);
  mkdirSync(join(data, folder), { recursive: true });
  if (!existsSync(path)) await build(path);
}

const copied = (from) => (to) => copyFileSync(from, to);
await make("photos", "nuthatch.jpg", copied(source.nuthatch));
await make("photos", "dandelion.jpg", copied(source.dandelion));

const enlarged = [["dragonfly", 4752], ["sunset", 4806], ["bridge", 5440]];
for (const [name, width] of enlarged) {
  await make("photos", `${name}.jpg`, () => camera(sharp(source[name]).resize(width), `${name}.jpg`));
}

const mosaics = [
  ["mosaic-hills.jpg", ["aitzgorri", "picos", "sunset", "stream"], [5472, 3648], {}],
  ["mosaic-indoors.jpg", ["clock", "wine", "lamp", "dragonfly"], [5312, 3984], {}],
  ["mosaic-full-chroma.jpg", ["stream", "fig", "dogs", "bridge"], [4896, 3264],
    { chromaSubsampling: "4:4:4" }],
  ["mosaic-evening.jpg", ["dandelion", "sunset", "wine", "bridge"], [5632, 4224], {}],
  ["mosaic-animals.jpg", ["nuthatch", "dogs", "dragonfly", "fig"], [5184, 3456], {}],
  ["mosaic-light.jpg", ["bridge", "lamp", "nuthatch", "clock"], [4928, 3264], { progressive: true }],
  ["mosaic-country.jpg", ["picos", "dandelion", "aitzgorri", "nuthatch"], [5760, 3840], {}],
];
for (const [file, names, size, options] of mosaics) {
  await make("photos", file, async () => camera(await mosaic(names, size), file, options));
}

await make("pngs", "picos-rgb.png", (to) =>
  sharp(source.picos).resize(2340).removeAlpha().png().toFile(to));
await make("pngs", "fig-rgba.png", async (to) => {
  // A product cut out of its background, with a soft edge.
  const mask = Buffer.from(
    '<svg width="2572" height="1740"><defs><filter id="f"><feGaussianBlur stdDeviation="3"/>' +
      '</filter></defs><ellipse cx="1420" cy="860" rx="1080" ry="800" filter="url(#f)"/></svg>',
  );
  const cut = [{ input: mask, blend: "dest-in" }];
  await sharp(source.fig).ensureAlpha().composite(cut).png().toFile(to);
});

// Without a codec in the way: what a filter alone costs.
await make("raws", "nuthatch.ppm", async (to) => {
  const [width, height] = [4000, 3000];
  const pixels = await sharp(source.nuthatch)
    .resize(width, height, { fit: "fill" }).removeAlpha().raw().toBuffer();
  writeFileSync(to, Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]));
});

await make("webps", "dragonfly.webp", (to) => sharp(source.dragonfly).webp({ quality: 85 }).toFile(to));

// A camera that wanders over a photograph: 250 frames of 480 × 360.
await make("gifs", "film.gif", async (to) => {
  const [width, height, count] = [480, 360, 250];
  const wide = await sharp(source.dandelion).resize(960).removeAlpha().toBuffer();
  const room = await sharp(wide).metadata();
  const frames = [];
  for (let i = 0; i < count; i += 1) {
    const left = Math.round((room.width - width) * (0.5 - 0.5 * Math.cos((i / count) * 2 * Math.PI)));
    const top = Math.round((room.height - height) * (0.5 - 0.5 * Math.sin((i / count) * 2 * Math.PI)));
    frames.push(await sharp(wide).extract({ left, top, width, height }).raw().toBuffer());
  }
  const raw = { width, height: height * count, channels: 3, pageHeight: height };
  await sharp(Buffer.concat(frames), { raw }).gif({ delay: Array(count).fill(40) }).toFile(to);
});

// 104 megapixels: for memory.
await make("large", "mosaic-104.jpg", async () => {
  const [width, height] = [11_784, 8_826];
  const pixels = await (await mosaic(["nuthatch", "dandelion", "bridge", "dragonfly"], [width, height]))
    .removeAlpha().raw().toBuffer({ resolveWithObject: true });
  await sharp(pixels.data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .jpeg({ quality: 90 }).toFile(join(data, "large/mosaic-104.jpg"));
});
await make("large", "mosaic-22.jpg", copied(join(data, "photos/mosaic-country.jpg")));

for (const name of Object.keys(source)) {
  await make("small", `${name}.jpg`, (to) =>
    sharp(source[name]).resize(512, 512, { fit: "inside" }).jpeg({ quality: 88 }).toFile(to));
}

const facts = [];
for (const folder of ["photos", "pngs", "webps", "gifs", "large", "small"]) {
  for (const file of readdirSync(join(data, folder)).sort()) {
    const path = join(data, folder, file);
    const meta = await sharp(path).metadata();
    const megapixels = ((meta.width * meta.height) / 1e6).toFixed(1);
    facts.push([
      `${folder}/${file}`, `${meta.width}x${meta.height}`, `${megapixels} MP`, meta.format,
      meta.chromaSubsampling ?? `${meta.channels} channels`,
      meta.isProgressive ? "progressive" : "", `${readFileSync(path).length} bytes`,
    ].join("  "));
  }
}
writeFileSync(join(data, "FACTS.txt"), `${facts.join("\n")}\n`);
console.log(facts.join("\n"));
