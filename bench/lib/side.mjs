// One side of a comparison: a long-lived process that takes commands, a JSON line each, and answers
// each with a line. Both sides speak the same: {work|request, file, loops, out?, lossless?} gives
// {cpu_ns: [...], wall_ns: [...], bytes, peak_kb}.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { lossless, works } from "./works.mjs";

export const bench = dirname(dirname(fileURLToPath(import.meta.url)));

/** A process that answers lines with lines. */
export class LineProcess {
  constructor(command, args, env = {}) {
    this.child = spawn(command, args, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.name = `${command} ${args.join(" ")}`;
  }

  async ask(line) {
    this.child.stdin.write(`${line}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.name} ended instead of answering ${line}`);
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(`${this.name}: ${answer.error} (asked: ${line})`);
    return answer;
  }

  async end() {
    const closed = new Promise((resolve) => this.child.once("close", resolve));
    this.child.stdin.end();
    await closed;
  }
}

const sharpSide = {
  name: "sharp",
  start: () => new LineProcess(process.execPath, [join(bench, "sharp-side.mjs")]),
  command: (work, options) => ({ work, ...options }),
};

const enginePath = join(bench, "../target/release/bench-engine");

// As the product starts its runners; sharp takes its threads from THREADS itself.
const runnerEnv = {
  GLIBC_TUNABLES: "glibc.malloc.hugetlb=1",
  RAYON_NUM_THREADS: process.env.THREADS ?? "1",
};

const ourSide = {
  name: "imagehq",
  start: () => new LineProcess(enginePath, [], runnerEnv),
  command: (work, options) => {
    const { request } = works[work];
    const { lossless: exact, ...rest } = options;
    return { request: exact ? lossless(request) : request, ...rest };
  },
};

export const sides = { imagehq: ourSide, sharp: sharpSide };

/** Has a running side do a work. */
export function perform(side, process, work, options) {
  return process.ask(JSON.stringify(side.command(work, options)));
}

/** Peak memory in MB of a fresh process that does a work once. */
export async function peakMemory(side, work, file) {
  const fresh = side.start();
  const { peak_kb: peak } = await perform(side, fresh, work, { file, loops: 1 });
  await fresh.end();
  return peak / 1024;
}
