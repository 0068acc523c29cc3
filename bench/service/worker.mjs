// A worker of the Node service, a process of its own: takes jobs from BullMQ and runs sharp.
import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "bullmq";
import sharp from "sharp";

import { serviceSteps } from "../lib/works.mjs";
import { connection, outputs, QUEUE } from "./queue.mjs";

// Jobs run side by side, so one thread a picture; the cache helps only repeated files.
sharp.concurrency(1);
sharp.cache(false);

async function run(job) {
  const results = [];
  for (const { filename, path } of job.data.inputs) {
    const file = `${randomUUID()}.webp`;
    const target = join(outputs, file);
    await serviceSteps(sharp(path)).toFile(target);
    const { size } = await stat(target);
    results.push({ id: `${results.length}`, filename: `${filename}.webp`, file, size_bytes: size });
  }
  return { outputs: results };
}

new Worker(QUEUE, run, { connection, concurrency: Number(process.env.CONCURRENCY ?? 2) });
console.log("ready");
