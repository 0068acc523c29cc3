// HEIC of 12 megapixels to JPEG at quality 92: `imagehq run` against libheif's heif-convert.
//
//   node heic.mjs [--rounds 5] [--input NAME]
//
// Both are whole processes, so start-up counts on both sides; a picture of 64 × 64, which is all
// start-up, stands beside the others and does not count in the median. Sides take turns; ratios are
// taken within a round. We work in one thread; heif-convert has no setting for it and keeps one
// busy with these files. Both write 4:2:0: that is all that heif-convert can.
//
// heif-enc of Debian 12 makes the files from our photos. It writes one picture, not the tiles of
// 512 × 512 that phones write. The score is against the pixels that heif-enc was given.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";

import { scratch } from "./lib/processes.mjs";
import { bench, LineProcess } from "./lib/side.mjs";
import { median, table } from "./lib/stats.mjs";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    input: { type: "string", default: "" },
  },
});
const QUALITY = 92;
const [FULL, TINY] = [[4000, 3000], [64, 64]];
// Photos that are at least of that size.
const inputs = [
  ["dragonfly", "dragonfly", FULL],
  ["mosaic-country", "mosaic-country", FULL],
  ["mosaic-indoors", "mosaic-indoors", FULL],
  ["nuthatch", "nuthatch", FULL],
  ["start-up", "nuthatch", TINY],
].map(([name, photo, size]) => ({ name, photo, size }))
  .filter(({ name }) => name.includes(options.input));

const folder = scratch("heic");
const heics = join(bench, "data/heics");
mkdirSync(heics, { recursive: true });

// Runs a command and adds up what its whole tree of processes took. `imagehq run` ends without
// waiting for its runner, so the runner must come to us as an orphan: Linux sends orphans to the
// nearest ancestor that asked for them. Peak memory is that of the largest process, no less than
// this helper's 14 MB; beside its runner imagehq itself holds some 17 MB.
const RUN = `
import ctypes, json, os, sys, time

PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
for line in sys.stdin:
    argv = json.loads(line)
    cpu, peak = 0, 0
    start = time.monotonic_ns()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    program = os.posix_spawnp(argv[0], argv, os.environ, file_actions=quiet)
    while True:
        try:
            ended, status, used = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu += used.ru_utime + used.ru_stime
        peak = max(peak, used.ru_maxrss)
        if ended == program:
            wall, failed = time.monotonic_ns() - start, status
    answer = {"cpu_ms": cpu * 1e3, "wall_ms": wall / 1e6, "peak_mb": peak / 1024}
    print(json.dumps({"error": f"ended with {failed}"} if failed else answer), flush=True)
`;
const runner = new LineProcess("python3", ["-c", RUN], { IMAGEHQ_JOBS_RUNNER_THREADS: "1" });
const scorer = new LineProcess(join(bench, "../target/release/score"), ["--stdin"]);

const pipeline = join(folder, "pipeline.json");
const output = { output_format: "jpg", quality: QUALITY, chroma_subsampling: "4:2:0" };
writeFileSync(pipeline, JSON.stringify({ steps: [{ operation: "convert", request: { output } }] }));
const imagehq = process.env.IMAGEHQ ?? join(bench, "../target/release/imagehq");
const sides = {
  imagehq: (file, out) => [imagehq, "run", "-q", pipeline, file, "-o", out],
  "heif-convert": (file, out) => ["heif-convert", "--quiet", "-q", `${QUALITY}`, file, out],
};

const original = ({ photo, size: [width, height] }) =>
  sharp(join(bench, "data/photos", `${photo}.jpg`)).resize(width, height).removeAlpha();

async function makeHeic(input) {
  const path = join(heics, `${input.name}.heic`);
  if (existsSync(path)) return path;
  const [png, unfinished] = [join(folder, "original.png"), join(heics, `${input.name}.tmp.heic`)];
  await original(input).png({ compressionLevel: 1 }).toFile(png);
  execFileSync("heif-enc", ["-q", "60", png, "-o", unfinished], { stdio: "ignore" });
  renameSync(unfinished, path);
  return path;
}

async function writePpm(path, image) {
  const { data, info } = await image.toColourspace("srgb").removeAlpha().raw()
    .toBuffer({ resolveWithObject: true });
  const head = Buffer.from(`P6\n${info.width} ${info.height}\n255\n`);
  writeFileSync(path, Buffer.concat([head, data]));
  return path;
}

async function measure(input) {
  const file = await makeHeic(input);
  const reference = await writePpm(join(folder, "original.ppm"), original(input));
  const figures = {};
  for (const [name, command] of Object.entries(sides)) {
    const out = join(folder, `${name}.jpg`);
    await runner.ask(JSON.stringify(command(file, out)));
    const decoded = await writePpm(join(folder, "decoded.ppm"), sharp(out));
    const { ssimulacra2: score } = await scorer.ask(`${reference}\t${decoded}`);
    figures[name] = { cpu: [], wall: [], peak: [], bytes: statSync(out).size, score };
  }
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const [name, command] of Object.entries(sides)) {
      const out = join(folder, `${name}.jpg`);
      const { cpu_ms, wall_ms, peak_mb } = await runner.ask(JSON.stringify(command(file, out)));
      figures[name].cpu.push(cpu_ms);
      figures[name].wall.push(wall_ms);
      figures[name].peak.push(peak_mb);
    }
  }
  return { input: input.name, heicBytes: statSync(file).size, figures };
}

function compare({ imagehq: ours, "heif-convert": theirs }) {
  const ratio = (key) => median(ours[key].map((value, round) => value / theirs[key][round]));
  return {
    cpu: ratio("cpu"),
    wall: ratio("wall"),
    peak: ratio("peak"),
    bytes: ours.bytes / theirs.bytes,
    score: ours.score - theirs.score,
  };
}

const line = (input, [name, { cpu, wall, bytes, score, peak }]) => [
  input, name, median(cpu).toFixed(1), median(wall).toFixed(1), bytes, score.toFixed(2),
  median(peak).toFixed(0),
];

const ratioLine = (input, { cpu, wall, bytes, score, peak }) => [
  input, "ratio", cpu.toFixed(3), wall.toFixed(3), bytes.toFixed(3),
  `${score >= 0 ? "+" : ""}${score.toFixed(2)}`, peak.toFixed(3),
];

const rows = [["input", "side", "CPU ms", "wall ms", "bytes", "SSIMULACRA2", "peak MB"]];
const measured = [];
for (const input of inputs) {
  const result = await measure(input);
  result.ratio = compare(result.figures);
  measured.push(result);
  rows.push(...Object.entries(result.figures).map((side) => line(input.name, side)));
  rows.push(ratioLine(input.name, result.ratio));
}
const counted = measured.filter(({ input }) => input !== "start-up").map(({ ratio }) => ratio);
const middle = (key) => median(counted.map((ratio) => ratio[key]));
const total = counted.length > 0
  ? Object.fromEntries(Object.keys(counted[0]).map((key) => [key, middle(key)]))
  : undefined;
if (total) rows.push(ratioLine("**median**", total));
console.log(`\n## HEIC of 12 MP → JPEG q${QUALITY}, whole processes\n\n${table(rows)}`);
mkdirSync(join(bench, "results"), { recursive: true });
const results = JSON.stringify({ median: total, measured }, null, 1);
writeFileSync(join(bench, "results/heic.json"), results);
await Promise.all([runner, scorer].map((process) => process.end()));
