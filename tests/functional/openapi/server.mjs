// Starts the real program with a home of its own.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
const program = process.env.QN_PROGRAM ?? join(root, "build/release/quintet");

export class Server {
  static async start({ args = [], prepare = () => {} } = {}) {
    const server = new Server();
    prepare(server);
    server.process = spawn(program, ["serve", "--port", "0", ...args], {
      cwd: server.home,
      env: server.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    server.said = "";
    server.url = await new Promise((resolve, reject) => {
      const listen = (bytes) => {
        server.said += bytes;
        const url = /(http:\/\/127\.0\.0\.1:\d+)\s/.exec(server.said);
        if (url) resolve(url[1]);
      };
      server.process.stdout.on("data", listen);
      server.process.stderr.on("data", listen);
      server.process.on("exit", () => reject(new Error(`the server did not start: ${server.said}`)));
    });
    return server;
  }

  constructor() {
    this.home = mkdtempSync(join(tmpdir(), "quintet-openapi-"));
    this.environment = { PATH: process.env.PATH, HOME: this.home, QUINTET_HOME: join(this.home, "data"), LC_ALL: "C.UTF-8" };
  }

  write(name, content) {
    const path = join(this.home, name);
    writeFileSync(path, content);
    return path;
  }

  /** Runs a command of the program in this server's home. */
  run(...args) {
    const result = spawnSync(program, args, { cwd: this.home, env: this.environment, encoding: "utf8" });
    if (result.status !== 0) throw new Error(`quintet ${args.join(" ")}: ${result.stderr}`);
    return result.stdout;
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.home, { recursive: true, force: true });
  }
}
