// The service benchmark: imagehq's server against a Node service (Express, multer, BullMQ, Redis
// with fsync every second, sharp), same client, same machine, server and workers and client together.
//
//   node service.mjs [--rounds 3] [--jobs 1500] [--only imagehq|node] [--workers 2] [--concurrency 2]
//
// First the closed loop: 16 clients post a 512 px JPEG with the three steps, poll every 20 ms and
// download. Then the open loop: jobs come at 60 % of the slower side's capacity whatever the server
// does, and the time from when a post was due to its 202 is what counts. Sides take turns.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { cpuSeconds, scratch, start, startRedis, stop } from "./lib/processes.mjs";
import { bench } from "./lib/side.mjs";
import { median, table } from "./lib/stats.mjs";
import { serviceRequest } from "./lib/works.mjs";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    jobs: { type: "string", default: "1500" },
    seconds: { type: "string", default: "10" },
    only: { type: "string" },
    workers: { type: "string", default: "2" },
    concurrency: { type: "string", default: "2" },
  },
});
const LISTENING = /listening on (http:\S+)/;

async function startNode() {
  const redis = await startRedis();
  const env = {
    NODE_ENV: "production", REDIS_PORT: `${redis.port}`, DATA_DIR: scratch("node"), PORT: "0",
    CONCURRENCY: options.concurrency,
  };
  const script = (name) => [join(bench, "service", name)];
  const server = await start(process.execPath, script("server.mjs"), { until: LISTENING, env });
  const workers = [];
  for (let i = 0; i < Number(options.workers); i += 1) {
    workers.push(await start(process.execPath, script("worker.mjs"), { until: /ready/, env }));
  }
  return { url: server.match[1], parts: [redis, server, ...workers] };
}

async function startOurs() {
  const program = process.env.IMAGEHQ ?? join(bench, "../target/release/imagehq");
  const args = ["serve", "--listen", "127.0.0.1:0", "--data", scratch("imagehq")];
  const server = await start(program, args, { until: LISTENING });
  return { url: server.match[1], parts: [server] };
}

function load(side, args) {
  const client = spawn(
    join(bench, "../target/release/load"),
    ["--url", side.url, "--dir", join(bench, "data/small"),
      "--request", JSON.stringify(serviceRequest), ...args],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const before = cpuSeconds(side.parts);
  let output = "";
  client.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise((resolve, reject) => {
    client.once("close", () => {
      if (!output) return reject(new Error("the load client said nothing"));
      const result = JSON.parse(output);
      result.server_cpu_ms_per_job = ((cpuSeconds(side.parts) - before) * 1000) / result.jobs;
      resolve(result);
    });
  });
}

async function rounds(sides, args) {
  const results = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const [name, side] of Object.entries(sides)) {
      results[name].push(await load(side, args));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  return results;
}

const middle = (results, pick) => median(results.map(pick));

function show(title, results) {
  const columns = [
    ["jobs/s", (r) => r.jobs_per_s, 1],
    ["202 p50 ms", (r) => r.accepted_ms.p50, 2],
    ["202 p99 ms", (r) => r.accepted_ms.p99, 2],
    ["done p50 ms", (r) => r.done_ms.p50, 1],
    ["done p99 ms", (r) => r.done_ms.p99, 1],
    ["server CPU ms/job", (r) => r.server_cpu_ms_per_job, 2],
    ["client CPU ms/job", (r) => (r.client_cpu_s * 1000) / r.jobs, 2],
    ["bytes/job", (r) => r.bytes_per_job, 0],
    ["errors", (r) => r.errors, 0],
  ];
  const rows = Object.entries(results).map(([name, result]) => [
    name,
    ...columns.map(([, pick, digits]) => middle(result, pick).toFixed(digits)),
  ]);
  if (results.imagehq && results.node) {
    const ratio = (pick) =>
      median(results.imagehq.map((result, i) => pick(result) / pick(results.node[i])));
    const part = ([name, pick]) => (name === "errors" ? "" : ratio(pick).toFixed(2));
    rows.push(["ratio", ...columns.map(part)]);
  }
  console.log(`\n## ${title}\n\n${table([["side", ...columns.map(([name]) => name)], ...rows])}`);
}

const starters = { imagehq: startOurs, node: startNode };
const sides = {};
for (const [name, starter] of Object.entries(starters)) {
  if (!options.only || options.only === name) sides[name] = await starter();
}
for (const side of Object.values(sides)) await load(side, ["--jobs", "200"]);

const closed = await rounds(sides, ["--jobs", options.jobs]);
show("Closed loop: 16 clients", closed);

const capacity = Object.values(closed).map((results) => middle(results, (r) => r.jobs_per_s));
const rate = (0.6 * Math.min(...capacity)).toFixed(1);
const open = await rounds(sides, ["--rate", rate, "--seconds", options.seconds]);
show(`Open loop: ${rate} jobs/s`, open);

mkdirSync(join(bench, "results"), { recursive: true });
const results = join(bench, "results/service.json");
writeFileSync(results, JSON.stringify({ closed, open, rate: Number(rate) }, null, 1));
await Promise.all(Object.values(sides).flatMap(({ parts }) => parts.map(stop)));
process.exit(0);
