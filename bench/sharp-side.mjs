// Sharp's side of the engine benchmark: buffer in, buffer out, one thread, no cache.
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

import { works } from "./lib/works.mjs";

sharp.concurrency(Number(process.env.THREADS ?? 1));
sharp.cache(false);

/** The largest resident size of this process so far, as the kernel counts it. */
function peakKb() {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
}

/** Opens a file; a PPM as the raw pixels that it holds, as sharp reads none. */
function opener(input, animated = false) {
  const head = /^P6\n(\d+) (\d+)\n255\n/.exec(input.subarray(0, 32).toString("latin1"));
  if (!head) return () => sharp(input, { animated, limitInputPixels: false });
  const raw = { width: Number(head[1]), height: Number(head[2]), channels: 3 };
  const pixels = input.subarray(head[0].length);
  return () => sharp(pixels, { raw });
}

async function perform({ work, file, loops, out, lossless }) {
  const input = readFileSync(file);
  const { pixels, encode, animated } = works[work].sharp;
  const open = opener(input, animated);
  const chain = () => (lossless ? pixels(open()).png() : encode(pixels(open()))).toBuffer();
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
