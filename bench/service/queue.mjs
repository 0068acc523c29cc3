// What the server and the worker of the Node service share.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export const QUEUE = "pipeline";

export const connection = {
  host: "127.0.0.1",
  port: Number(process.env.REDIS_PORT ?? 6379),
  maxRetriesPerRequest: null,
};

const data = process.env.DATA_DIR ?? "data";
export const uploads = join(data, "uploads");
export const outputs = join(data, "outputs");
mkdirSync(uploads, { recursive: true });
mkdirSync(outputs, { recursive: true });
