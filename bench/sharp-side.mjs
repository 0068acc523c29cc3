// Sharp's side of the engine benchmark: buffer in, buffer out, one thread, no cache.
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

import { works } from "./lib/works.mjs";

sharp.concurrency(1);
sharp.cache(false);

/** The largest resident size of this process so far, as the kernel counts it. */
function peakKb() {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
}

async function perform({ work, file, loops, out, lossless }) {
  const input = readFileSync(file);
  const { pixels, encode } = works[work].sharp;
  const chain = () =>
    (lossless ? pixels(sharp(input)).png() : encode(pixels(sharp(input)))).toBuffer();
  const cpu = [];
  const wall = [];
  let output;
  for (let i = 0; i < loops; i += 1) {
    const [cpuBefore, wallBefore] = [process.cpuUsage(), process.hrtime.bigint()];
    output = await chain();
    const spent = process.cpuUsage(cpuBefore);
    cpu.push((spent.user + spent.system) * 1000);
    wall.push(Number(process.hrtime.bigint() - wallBefore));
  }
  if (out) writeFileSync(out, output);
  return { cpu_ns: cpu, wall_ns: wall, bytes: output.length, peak_kb: peakKb() };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await perform(JSON.parse(line)).catch((error) => ({ error: error.message }));
  console.log(JSON.stringify(answer));
}
