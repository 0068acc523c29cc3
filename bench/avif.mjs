// AVIF against sharp: bytes at an equal score for the same CPU, against each effort of sharp.
//
//   node avif.mjs [--photos 12] [--width 1200] [--efforts 0,1,2,3,4,5,6] [--quality 50]
//                 [--chroma 4:4:4[,4:2:0]] [--our-efforts 0,...,10] [--qualities 40,45,50]
//                 [--loops 3] [--input NAME]
//
// Each photo is made small once; what is timed starts from those pixels in memory: raw for sharp,
// for us as PPM, a header and the same pixels. One thread each. sharp encodes at its default
// quality; we at several, with our default chroma (4:2:0), and bytes (their logarithm) and CPU are
// read off between two of ours at the score (SSIMULACRA2) of sharp's file. Where sharp's scores lie
// outside ours, qualities are added; "outside" counts the photos where that was not enough. sharp
// decodes both.
//
// Against an effort of sharp stands the effort of ours that needs the fewest bytes of those that
// need no more than 1.05 of its CPU, both as medians over the photos: one for all of them.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";

import { scratch } from "./lib/processes.mjs";
import { bench, LineProcess, sides } from "./lib/side.mjs";
import { median, table } from "./lib/stats.mjs";

const { values: options } = parseArgs({
  options: {
    photos: { type: "string", default: "12" },
    width: { type: "string", default: "1200" },
    efforts: { type: "string", default: "0,1,2,3,4,5,6" },
    quality: { type: "string", default: "50" },
    chroma: { type: "string", default: "4:4:4" },
    "our-efforts": { type: "string", default: "0,1,2,3,4,5,6,7,8,9,10" },
    qualities: { type: "string", default: "40,45,50" },
    loops: { type: "string", default: "3" },
    input: { type: "string" },
  },
});
const numbers = (text) => text.split(",").map(Number);
const [efforts, ourEfforts] = [numbers(options.efforts), numbers(options["our-efforts"])];
const qualities = numbers(options.qualities);
const [loops, chromas] = [Number(options.loops), options.chroma.split(",")];

const CPU_ALLOWED = 1.05;
const QUALITY_STEP = 5;
// From 90 on our chroma is 4:4:4.
const QUALITY_MAX = 89;
// A longer one is timed once.
const LOOPED_MS_MAX = 1000;
const WARM_UP_LOOPS = 3;

sharp.concurrency(Number(process.env.THREADS ?? 1));
sharp.cache(false);
const folder = scratch("avif");
const engine = sides.imagehq.start();
const scorer = new LineProcess(join(bench, "../target/release/score"), ["--stdin"]);

function writePpm(path, { data, info: { width, height } }) {
  writeFileSync(path, Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]));
  return path;
}

const toPixels = (image) =>
  image.toColourspace("srgb").removeAlpha().raw().toBuffer({ resolveWithObject: true });

async function makeSmall(name) {
  const image = sharp(join(bench, "data/photos", name)).resize(Number(options.width));
  const pixels = await toPixels(image);
  const path = writePpm(join(folder, `${name}.ppm`), pixels);
  return { name: name.replace(/\..*/, ""), pixels, path };
}

/** Times an encoder that answers with its CPU in ms and its file, and scores that. */
async function measure(photo, encode) {
  const times = [];
  let output;
  do {
    const { cpu, file } = await encode();
    times.push(cpu);
    output = file;
  } while (times.length < loops && times[0] <= LOOPED_MS_MAX);
  const decoded = writePpm(join(folder, "decoded.ppm"), await toPixels(sharp(output)));
  const { ssimulacra2: score } = await scorer.ask(`${photo.path}\t${decoded}`);
  return { cpu: median(times), bytes: output.length, score };
}

function theirs({ pixels: { data, info } }, effort, chromaSubsampling) {
  const raw = { width: info.width, height: info.height, channels: 3 };
  const settings = { effort, quality: Number(options.quality), chromaSubsampling };
  return async () => {
    const before = process.cpuUsage();
    const file = await sharp(data, { raw }).avif(settings).toBuffer();
    const { user, system } = process.cpuUsage(before);
    return { cpu: (user + system) / 1000, file };
  };
}

function ours({ path }, effort, quality) {
  const out = join(folder, "ours.avif");
  const request = { output: { output_format: "avif", effort, quality } };
  const steps = [{ operation: "convert", request }];
  const command = { request: { steps }, file: path, loops: 1, out };
  return async () => {
    const { cpu_ns: [cpu] } = await engine.ask(JSON.stringify(command));
    return { cpu: cpu / 1e6, file: readFileSync(out) };
  };
}

/** An effort of ours at enough qualities to have all scores between them. */
async function ourCurve(photo, effort, scores) {
  const points = [];
  const add = async (quality) => {
    points.push({ quality, ...(await measure(photo, ours(photo, effort, quality))) });
  };
  for (const quality of qualities) await add(quality);
  const reached = () => points.map(({ score }) => score);
  const [lowest, highest] = [Math.min(...scores), Math.max(...scores)];
  let quality = Math.min(...qualities);
  while (Math.min(...reached()) > lowest && quality > QUALITY_STEP) {
    await add((quality -= QUALITY_STEP));
  }
  quality = Math.max(...qualities);
  while (Math.max(...reached()) < highest && quality + QUALITY_STEP <= QUALITY_MAX) {
    await add((quality += QUALITY_STEP));
  }
  return points.sort((a, b) => a.score - b.score);
}

/** Our bytes, CPU and quality at a score; beyond the ends of the curve along its last piece. */
function at(curve, score) {
  const above = curve.findIndex((point) => point.score >= score);
  const right = above < 0 ? curve.length - 1 : Math.max(above, 1);
  const [a, b] = [curve[right - 1], curve[right]];
  const part = (score - a.score) / (b.score - a.score);
  const between = (from, to) => from + part * (to - from);
  return {
    cpu: between(a.cpu, b.cpu),
    bytes: Math.exp(between(Math.log(a.bytes), Math.log(b.bytes))),
    quality: between(a.quality, b.quality),
    outside: part < 0 || part > 1,
  };
}

async function measurePhoto(name) {
  const photo = await makeSmall(name);
  for (const encode of [theirs(photo, 0, chromas[0]), ours(photo, 0, qualities[0])]) {
    for (let i = 0; i < WARM_UP_LOOPS; i += 1) await encode();
  }
  const rival = [];
  for (const chroma of chromas) {
    for (const effort of efforts) {
      rival.push({ chroma, effort, ...(await measure(photo, theirs(photo, effort, chroma))) });
    }
  }
  const scores = rival.map(({ score }) => score);
  const curves = [];
  for (const effort of ourEfforts) {
    curves.push({ effort, points: await ourCurve(photo, effort, scores) });
  }
  return { input: photo.name, sharp: rival, imagehq: curves };
}

/** One effort of ours against one of sharp, over all photos. */
function against(measured, chroma, effort, ourEffort) {
  const pairs = measured.map(({ sharp: rival, imagehq }) => {
    const their = rival.find((one) => one.chroma === chroma && one.effort === effort);
    const our = at(imagehq.find((one) => one.effort === ourEffort).points, their.score);
    return { ...our, cpuRatio: our.cpu / their.cpu, bytesRatio: our.bytes / their.bytes };
  });
  const middle = (key) => median(pairs.map((pair) => pair[key]));
  const ratios = pairs.map(({ bytesRatio }) => bytesRatio);
  return {
    effort: ourEffort,
    quality: middle("quality"),
    cpu: middle("cpu"),
    cpuRatio: middle("cpuRatio"),
    bytesRatio: middle("bytesRatio"),
    bytesRatioMin: Math.min(...ratios),
    bytesRatioMax: Math.max(...ratios),
    outside: pairs.filter(({ outside }) => outside).length,
  };
}

function compare(measured, chroma, effort) {
  const their = measured.map(({ sharp: rival }) =>
    rival.find((one) => one.chroma === chroma && one.effort === effort));
  const middle = (key) => median(their.map((one) => one[key]));
  const candidates = ourEfforts.map((our) => against(measured, chroma, effort, our));
  const allowed = candidates.filter(({ cpuRatio }) => cpuRatio <= CPU_ALLOWED);
  const least = (list, key) => list.reduce((a, b) => (b[key] < a[key] ? b : a));
  return {
    chroma,
    effort,
    sharp: { cpu: middle("cpu"), bytes: middle("bytes"), score: middle("score") },
    // None is cheap enough: the cheapest, and its CPU ratio tells.
    best: allowed.length > 0 ? least(allowed, "bytesRatio") : least(candidates, "cpuRatio"),
    within: allowed.length > 0,
    candidates,
  };
}

function line({ effort, sharp: their, best, within }) {
  return [
    effort, their.cpu.toFixed(0), their.bytes, their.score.toFixed(2),
    `${best.effort}${within ? "" : " (over)"}`, best.quality.toFixed(0), best.cpu.toFixed(0),
    best.cpuRatio.toFixed(3), best.bytesRatio.toFixed(3),
    `${best.bytesRatioMin.toFixed(3)} to ${best.bytesRatioMax.toFixed(3)}`, best.outside,
  ];
}

const HEAD = [
  "sharp effort", "CPU ms", "bytes", "SSIMULACRA2", "our effort", "our quality", "our CPU ms",
  "CPU ratio", "bytes ratio", "least to most", "outside",
];

const photos = readdirSync(join(bench, "data/photos")).sort()
  .filter((name) => !options.input || name.includes(options.input))
  .slice(0, Number(options.photos));
if (photos.length === 0) throw new Error("no photo of that name");
const measured = [];
for (const name of photos) {
  const started = performance.now();
  measured.push(await measurePhoto(name));
  console.error(`${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
}
const compared = chromas.flatMap((chroma) =>
  efforts.map((effort) => compare(measured, chroma, effort)));
for (const chroma of chromas) {
  const rows = compared.filter((one) => one.chroma === chroma).map(line);
  const title = `AVIF, ${options.width} wide, sharp at quality ${options.quality} in ${chroma}`;
  console.log(`\n## ${title}, ${photos.length} photos\n\n${table([HEAD, ...rows])}`);
}
mkdirSync(join(bench, "results"), { recursive: true });
const results = JSON.stringify({ options, compared, measured }, null, 1);
writeFileSync(join(bench, "results/avif.json"), results);
await Promise.all([engine, scorer].map((process) => process.end()));
