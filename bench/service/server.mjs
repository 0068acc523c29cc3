// The service that the benchmark compares with: what a Node team would write for the same interface.
// Express takes the upload, multer streams it to disk, BullMQ queues the job in Redis (AOF, fsync
// every second), workers run sharp. The 202 says that Redis has the job in memory; nothing is synced.
import { createServer } from "node:http";
import { basename, extname, join } from "node:path";
import { Queue } from "bullmq";
import express from "express";
import multer from "multer";

import { connection, outputs, QUEUE, uploads } from "./queue.mjs";

const MAX_BYTES = 100 * 1024 * 1024;
const TTL_HOURS = 24;

const queue = new Queue(QUEUE, {
  connection,
  defaultJobOptions: {
    attempts: 3,
    removeOnComplete: { age: TTL_HOURS * 3600 },
    removeOnFail: { age: TTL_HOURS * 3600 },
  },
});

const upload = multer({ dest: uploads, limits: { fileSize: MAX_BYTES, files: 100 } });

/** One read of the job's hash tells all: asking for its state would be a second trip to Redis. */
function statusOf(job) {
  if (job.finishedOn) return job.returnvalue ? "succeeded" : "failed";
  return job.processedOn ? "processing" : "queued";
}

function view(job) {
  const status = statusOf(job);
  const created = new Date(job.timestamp);
  const done = status === "succeeded";
  return {
    id: job.id,
    status,
    operation: "pipeline",
    progress: done ? 100 : 0,
    created_at: created.toISOString(),
    expires_at: new Date(created.getTime() + TTL_HOURS * 3600e3).toISOString(),
    poll_url: `/v1/jobs/${job.id}`,
    download_url: done ? `/v1/jobs/${job.id}/download` : null,
    inputs: job.data.inputs.map(({ filename, size_bytes }) => ({ filename, size_bytes })),
    outputs: done ? job.returnvalue.outputs : [],
    error: job.failedReason ? { code: "failed", message: job.failedReason } : undefined,
  };
}

function problem(response, status, detail) {
  response.status(status).type("application/problem+json").json({ status, detail });
}

const app = express();
app.disable("x-powered-by");

app.post("/v1/pipeline", upload.array("files[]"), async (request, response) => {
  if (!request.files?.length) return problem(response, 400, "no file in files[]");
  let document;
  try {
    document = JSON.parse(request.body.request);
  } catch {
    return problem(response, 400, "request is not JSON");
  }
  if (!Array.isArray(document.steps) || document.steps.length === 0) {
    return problem(response, 422, "steps is missing");
  }
  const inputs = request.files.map((file) => ({
    filename: basename(file.originalname, extname(file.originalname)),
    path: file.path,
    size_bytes: file.size,
  }));
  const job = await queue.add("pipeline", { request: document, inputs });
  const body = view(job);
  response.status(202).location(body.poll_url).json(body);
});

app.get("/v1/jobs/:id", async (request, response) => {
  const job = await queue.getJob(request.params.id);
  if (!job) return problem(response, 404, "no such job");
  response.json(view(job));
});

app.get("/v1/jobs/:id/download", async (request, response) => {
  const job = await queue.getJob(request.params.id);
  if (!job) return problem(response, 404, "no such job");
  if (statusOf(job) !== "succeeded") return problem(response, 409, "not finished");
  const [output] = job.returnvalue.outputs;
  response.attachment(output.filename);
  response.sendFile(join(outputs, output.file), { root: "/" });
});

const server = createServer(app).listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
