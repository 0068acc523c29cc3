// How soon the server is ready and what it holds when nothing happens.
//
//   node idle.mjs [RUNS]
//
// Ready is the time from starting the program to the first 200 of /readyz. Resident is the server
// process alone and, beside it, the whole tree with its runners, three seconds later.
import { join } from "node:path";

import { family, residentMb, scratch, start, stop } from "./lib/processes.mjs";
import { bench } from "./lib/side.mjs";
import { median, table } from "./lib/stats.mjs";

const program = process.env.IMAGEHQ ?? join(bench, "../target/release/imagehq");
const runs = Number(process.argv[2] ?? 5);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function ready(url) {
  for (;;) {
    const answer = await fetch(`${url}/readyz`);
    if (answer.status === 200) return;
    await sleep(1);
  }
}

async function once() {
  const args = ["serve", "--listen", "127.0.0.1:0", "--data", scratch("idle")];
  const before = performance.now();
  const server = await start(program, args, { until: /listening on (http:\S+)/ });
  const printed = performance.now() - before;
  await ready(server.match[1]);
  const answered = performance.now() - before;
  await sleep(3000);
  const { pid } = server.child;
  const members = family(pid);
  const figures = {
    printed,
    answered,
    resident: residentMb(pid),
    tree: members.reduce((sum, member) => sum + residentMb(member), 0),
    processes: members.length,
  };
  await stop(server);
  return figures;
}

const all = [];
for (let i = 0; i < runs; i += 1) all.push(await once());
const middle = (key, digits) => median(all.map((figures) => figures[key])).toFixed(digits);
console.log(
  table([
    ["figure", "median"],
    ["line printed, ms", middle("printed", 0)],
    ["/readyz answers, ms", middle("answered", 0)],
    ["server resident, MB", middle("resident", 1)],
    [`all ${middle("processes", 0)} processes resident, MB`, middle("tree", 1)],
  ]),
);
process.exit(0);
