// The engine benchmark: imagehq's engine against sharp, one thread each (or THREADS), buffer in, buffer out.
//
//   [THREADS=2] node engine.mjs [WORK...] [--rounds 5] [--loops 3] [--only imagehq|sharp] [--input NAME]
//
// Both sides are long-lived processes that take turns (A B A B); a round of a side is the median of
// its loops, a ratio is taken within a round, and the median of the rounds counts. Peak memory is
// that of a fresh process which does the work once. The score of a side is taken against its own
// lossless result of the same steps.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";

import { bench, LineProcess, peakMemory, perform, sides } from "./lib/side.mjs";
import { median, table } from "./lib/stats.mjs";
import { works } from "./lib/works.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    loops: { type: "string", default: "3" },
    only: { type: "string" },
    input: { type: "string" },
  },
});
const [rounds, loops] = [Number(options.rounds), Number(options.loops)];
const chosen = Object.values(sides).filter(({ name }) => !options.only || name === options.only);
const results = join(bench, "results");
mkdirSync(join(results, "pictures"), { recursive: true });
const scorer = new LineProcess(join(bench, "../target/release/score"), ["--stdin"]);

/** Decodes a result with the same decoder for both sides; alpha goes over middle grey. */
async function toPpm(file) {
  const { data, info } = await sharp(file)
    .flatten({ background: "#808080" })
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const path = `${file}.ppm`;
  const head = Buffer.from(`P6\n${info.width} ${info.height}\n255\n`);
  writeFileSync(path, Buffer.concat([head, data]));
  return path;
}

async function quality(side, process, work, file, name) {
  const base = join(results, "pictures", `${work}-${name}-${side.name}`);
  const [out, reference] = [`${base}.out`, `${base}.lossless`];
  await perform(side, process, work, { file, loops: 1, out });
  await perform(side, process, work, { file, loops: 1, out: reference, lossless: true });
  return scorer.ask(`${await toPpm(reference)}\t${await toPpm(out)}`);
}

async function measure(work, file, name, running) {
  const figures = Object.fromEntries(chosen.map((side) => [side.name, { cpu: [], wall: [] }]));
  for (const side of chosen) {
    const figure = figures[side.name];
    if (!works[work].unscored) {
      const score = await quality(side, running[side.name], work, file, name);
      Object.assign(figure, { score: score.ssimulacra2, psnr: score.psnr });
    }
    figure.peak = await peakMemory(side, work, file);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const side of chosen) {
      const answer = await perform(side, running[side.name], work, { file, loops });
      figures[side.name].cpu.push(median(answer.cpu_ns) / 1e6);
      figures[side.name].wall.push(median(answer.wall_ns) / 1e6);
      figures[side.name].bytes = answer.bytes;
    }
  }
  return { work, input: name, figures };
}

const ratios = (ours, theirs) => median(ours.map((value, round) => value / theirs[round]));

function compare({ imagehq, sharp: rival }) {
  if (!imagehq || !rival) return undefined;
  return {
    cpu: ratios(imagehq.cpu, rival.cpu),
    wall: ratios(imagehq.wall, rival.wall),
    bytes: imagehq.bytes / rival.bytes,
    peak: imagehq.peak / rival.peak,
    score: imagehq.score - rival.score,
  };
}

function lines({ input, figures, ratio }) {
  const one = (name, { cpu, wall, bytes, score, peak }) => [
    input, name, median(cpu).toFixed(1), median(wall).toFixed(1), bytes, score?.toFixed(2) ?? "",
    peak.toFixed(0),
  ];
  const rows = Object.entries(figures).map(([name, figure]) => one(name, figure));
  if (ratio) rows.push(ratioLine(input, ratio));
  return rows;
}

function ratioLine(input, { cpu, wall, bytes, score, peak }) {
  const scored = Number.isNaN(score) ? "" : `${score >= 0 ? "+" : ""}${score.toFixed(2)}`;
  const parts = [cpu, wall, bytes].map((value) => value.toFixed(3));
  return [input, "ratio", ...parts, scored, peak.toFixed(3)];
}

async function main(names) {
  const running = Object.fromEntries(chosen.map((side) => [side.name, side.start()]));
  const all = [];
  for (const work of names) {
    const { title, inputs } = works[work];
    const folder = join(bench, "data", inputs);
    const rows = [["input", "side", "CPU ms", "wall ms", "bytes", "SSIMULACRA2", "peak MB"]];
    const measured = [];
    for (const file of readdirSync(folder).sort()) {
      if (options.input && !file.includes(options.input)) continue;
      const result = await measure(work, join(folder, file), file.replace(/\..*/, ""), running);
      result.ratio = compare(result.figures);
      measured.push(result);
      rows.push(...lines(result));
    }
    const rated = measured.map(({ ratio }) => ratio).filter(Boolean);
    if (rated.length > 0) {
      const middle = (key) => median(rated.map((ratio) => ratio[key]));
      const total = Object.fromEntries(Object.keys(rated[0]).map((key) => [key, middle(key)]));
      rows.push(ratioLine("**median**", total));
      all.push({ work, median: total, measured });
    } else {
      all.push({ work, measured });
    }
    console.log(`\n## ${title}\n\n${table(rows)}`);
    writeFileSync(join(results, `engine-${work}.json`), JSON.stringify(all.at(-1), null, 1));
  }
  await Promise.all([...Object.values(running), scorer].map((process) => process.end()));
}

await main(positionals.length > 0 ? positionals : Object.keys(works));
