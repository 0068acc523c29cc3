// Empty jobs through BullMQ on Redis with fsync every second: 8 producers, 8 workers, jobs of 512
// bytes, timed from the first add to the last completion. Prints one line of JSON.
//
//   node queue/bullmq.mjs PORT JOBS [PROCESSES]
//
// With PROCESSES = 2 the workers have a process of their own; one process was the faster here.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Queue, Worker } from "bullmq";

const [port, jobs, processes = 1] = process.argv.slice(2, 5).map(Number);
const WORKERS = 8;
const PRODUCERS = 8;
const NAME = "empty";
const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };

/** Counts completions and says when all are done. */
function work(onDone) {
  let done = 0;
  const worker = new Worker(NAME, async () => undefined, { connection, concurrency: WORKERS });
  worker.on("completed", () => {
    done += 1;
    if (done === jobs) onDone();
  });
  return worker;
}

async function startWorkers() {
  if (processes === 1) {
    let finish;
    const done = new Promise((resolve) => (finish = resolve));
    const worker = work(finish);
    await worker.waitUntilReady();
    return { done, close: () => worker.close() };
  }
  const child = fork(fileURLToPath(import.meta.url), [port, jobs, "2", "--worker"]);
  const message = (wanted) =>
    new Promise((resolve) => {
      const hear = (text) => {
        if (text !== wanted) return;
        child.off("message", hear);
        resolve();
      };
      child.on("message", hear);
    });
  await message("ready");
  return { done: message("done"), close: () => child.kill() };
}

async function produce() {
  const queue = new Queue(NAME, {
    connection,
    defaultJobOptions: { removeOnComplete: true, attempts: 3 },
  });
  await queue.waitUntilReady();
  const workers = await startWorkers();
  const payload = { request: "x".repeat(480) };
  let added = 0;
  const start = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: PRODUCERS }, async () => {
      while (added < jobs) {
        added += 1;
        await queue.add("job", payload);
      }
    }),
  );
  await workers.done;
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  console.log(JSON.stringify({ jobs, seconds, jobs_per_s: jobs / seconds }));
  await workers.close();
  await queue.close();
  process.exit(0);
}

if (process.argv.includes("--worker")) {
  const worker = work(() => process.send("done"));
  await worker.waitUntilReady();
  process.send("ready");
} else {
  await produce();
}
