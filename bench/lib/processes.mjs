// Starts servers for the benchmarks and says what they cost.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** A folder that goes when the benchmark ends. BENCH_TMP chooses the disk. */
export function scratch(name) {
  const path = mkdtempSync(join(process.env.BENCH_TMP ?? tmpdir(), `imagehq-bench-${name}-`));
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts a program and waits until its output matches; resolves to child and match. */
export function start(command, args, { until, env = {} }) {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  return new Promise((resolve, reject) => {
    let seen = "";
    const look = (text) => {
      seen = (seen + text).slice(-65536);
      const match = until.exec(seen);
      if (match) resolve({ child, match });
    };
    child.stdout.setEncoding("utf8").on("data", look);
    child.stderr.setEncoding("utf8").on("data", look);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      running.delete(child);
      reject(new Error(`${command} ended (${code ?? signal}):\n${seen}`));
    });
  });
}

export function stop({ child }) {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const hard = setTimeout(() => child.kill("SIGKILL"), 10_000);
  return ended.then(() => clearTimeout(hard));
}

/** A Redis as BullMQ's documentation asks for: append-only file, fsync every second. */
export async function startRedis() {
  const port = await freePort();
  const redis = await start(
    "redis-server",
    [
      "--bind", "127.0.0.1", "--port", `${port}`, "--dir", scratch("redis"), "--save", "",
      "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
    ],
    { until: /Ready to accept connections/ },
  );
  return { ...redis, port };
}

const stat = (pid) => {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
};

/** The process and all its descendants. */
export function family(root) {
  const parents = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      parents.set(Number(pid), Number(stat(pid)[1]));
    } catch {
      // The process ended meanwhile.
    }
  }
  const members = [root];
  for (let i = 0; i < members.length; i += 1) {
    for (const [pid, parent] of parents) if (parent === members[i]) members.push(pid);
  }
  return members;
}

/** User and system seconds of processes with their descendants, the ended ones too. */
export function cpuSeconds(children) {
  const ticks = children
    .flatMap(({ child }) => family(child.pid))
    .flatMap((pid) => stat(pid).slice(11, 15).map(Number));
  return ticks.reduce((sum, value) => sum + value, 0) / 100;
}

/** Resident memory in MB of one process. */
export function residentMb(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}
