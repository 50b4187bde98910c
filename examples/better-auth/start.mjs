// `make better-auth`: builds the docs site, starts chatgate, and serves the site with its Better Auth server.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { serve } from "./server.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));
const data = process.env.CHATGATE_DATA_DIR ?? `${root}.chatgate/better-auth`;
const port = Number(process.env.CHATGATE_SITE_PORT ?? 3001);
const broker = `http://127.0.0.1:${process.env.CHATGATE_BROKER_PORT ?? 8000}`;
const proxy = `http://127.0.0.1:${process.env.CHATGATE_PROXY_PORT ?? 8001}`;
const webhookSecret = randomBytes(32).toString("hex");
const environment = {
  ...process.env,
  CHATGATE_CONFIG: `${here}chatgate.toml`,
  CHATGATE_DATA_DIR: data,
  CHATGATE_SITES_DOCS_BETTER_AUTH_URL: `http://127.0.0.1:${port}/api/auth`,
  CHATGATE_SITES_DOCS_BETTER_AUTH_WEBHOOK_SECRET: webhookSecret,
  // examples/docusaurus reads these.
  CHATGATE_BROKER_URL: broker,
  CHATGATE_PROXY_URL: proxy,
  CHATGATE_SITE_PORT: String(port),
  CHATGATE_EXAMPLE: "better-auth",
  DOCUSAURUS_NO_TELEMETRY: "1",
  DOCUSAURUS_NO_PERSISTENT_CACHE: "1",
};

let running = null;

function run(command, words, cwd) {
  const child = spawn(command, words, { cwd, env: environment, stdio: "inherit" });
  running = child;
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
}

// A terminal gives Ctrl-C to the child as well; it ends the services, and this process after them.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => running?.kill("SIGTERM"));

mkdirSync(data, { recursive: true });
const built = `${data}/site`;
const build = ["build", "--out-dir", built];
if ((await run("node_modules/.bin/docusaurus", build, `${root}examples/docusaurus`)) !== 0) process.exit(1);
const { origin } = await serve({
  port,
  folder: built,
  basePath: "/book/",
  database: `${data}/accounts-of-the-site.db`,
  // Sessions of an earlier start end with it. A real site keeps its secret.
  secret: randomBytes(32).toString("hex"),
  webhook: { url: `${broker}/webhooks/better-auth/docs`, secret: webhookSecret },
});
delete environment.CHATGATE_BROKER_URL;
delete environment.CHATGATE_PROXY_URL;
delete environment.CHATGATE_EXAMPLE;
// `chatgate up` tells them last: a line printed here would scroll away above its own.
const pages = `${origin}/book/ (accounts: ${origin}/sign-in)`;
process.exit(await run(`${root}.venv/bin/chatgate`, ["up", "--pages", pages], root));
