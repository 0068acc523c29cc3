// The queue benchmark: empty jobs through imagehq's SQLite queue, every acknowledged change synced to
// the disk, with group commit and without, against BullMQ on Redis that syncs every second. 8 producers
// and 8 workers each; the three take turns.
//
//   node queue.mjs [--rounds 5] [--seconds 4] [--jobs 40000]
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { scratch, startRedis, stop } from "./lib/processes.mjs";
import { bench } from "./lib/side.mjs";
import { median, table } from "./lib/stats.mjs";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    jobs: { type: "string", default: "40000" },
  },
});
const program = join(bench, "../target/release/examples/queue_bench");

/** The JSON lines that a program prints. */
function lines(command, args) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code !== 0) return reject(new Error(`${command} ended with ${code}`));
      resolve(output.trim().split("\n").map((line) => JSON.parse(line)));
    });
  });
}

const redis = await startRedis();
const folder = scratch("queue");
const rates = { grouped: [], single: [], bullmq: [] };
for (let round = 0; round < Number(options.rounds); round += 1) {
  const rival = [join(bench, "queue/bullmq.mjs"), `${redis.port}`, options.jobs];
  const [answer] = await lines(process.execPath, rival);
  rates.bullmq.push(answer.jobs_per_s);
  const ours = await lines(program, [options.seconds, "8", "8", folder]);
  const rate = (batch) => ours.find((line) => line.batch === batch).jobs_per_second;
  rates.grouped.push(rate(256));
  rates.single.push(rate(1));
}
const ratio = (a, b) => median(a.map((value, round) => value / b[round])).toFixed(2);
console.log(
  table([
    ["queue", "jobs/s", "grouped commit against it"],
    ["imagehq, SQLite, group commit", median(rates.grouped).toFixed(0), ""],
    ["imagehq, one commit a change", median(rates.single).toFixed(0),
      ratio(rates.grouped, rates.single)],
    ["BullMQ, Redis everysec", median(rates.bullmq).toFixed(0), ratio(rates.grouped, rates.bullmq)],
  ]),
);
mkdirSync(join(bench, "results"), { recursive: true });
writeFileSync(join(bench, "results/queue.json"), JSON.stringify(rates, null, 1));
await stop(redis);
process.exit(0);
