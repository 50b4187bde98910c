// `make better-auth`: builds the docs site, starts chatgate, and serves the site with its Better Auth server. With
// --check-ports it only says which of the ports are in use, for which it needs no package.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

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
};
// examples/docusaurus reads these.
const building = {
  ...environment,
  CHATGATE_BROKER_URL: broker,
  CHATGATE_PROXY_URL: proxy,
  CHATGATE_SITE_PORT: String(port),
  CHATGATE_EXAMPLE: "better-auth",
  DOCUSAURUS_NO_TELEMETRY: "1",
  DOCUSAURUS_NO_PERSISTENT_CACHE: "1",
};

let running = null;

function run(command, words, { cwd = root, env = environment } = {}) {
  const child = spawn(command, words, { cwd, env, stdio: "inherit" });
  running = child;
  return new Promise((resolve) => {
    child.on("exit", (code) => resolve(code ?? 1));
    child.on("error", ({ message }) => {
      console.error(`${message}. \`make better-auth\` installs what is missing.`);
      resolve(1);
    });
  });
}

// A terminal gives Ctrl-C to the child as well; it ends the services, and this process after them.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => running?.kill("SIGTERM"));

// First, as what is built could not be served otherwise.
const ports = ["-m", "chatgate.stack.free_ports", "stack", "site"];
if ((await run(`${root}.venv/bin/python`, ports)) !== 0) process.exit(1);
if (process.argv.includes("--check-ports")) process.exit();

mkdirSync(data, { recursive: true });
const built = `${data}/site`;
const build = ["build", "--out-dir", built];
const pages = { cwd: `${root}examples/docusaurus`, env: building };
if ((await run("node_modules/.bin/docusaurus", build, pages)) !== 0) process.exit(1);
const { serve } = await import("./server.mjs");
const { origin } = await serve({
  port,
  folder: built,
  basePath: "/book/",
  database: `${data}/accounts-of-the-site.db`,
  // Sessions of an earlier start end with it. A real site keeps its secret.
  secret: randomBytes(32).toString("hex"),
  webhook: { url: `${broker}/webhooks/better-auth/docs`, secret: webhookSecret },
}).catch((error) => {
  // Another program may have come while the site was built.
  if (error.code !== "EADDRINUSE") throw error;
  console.error(`Port ${port} is in use. End what listens there, or set CHATGATE_SITE_PORT to another.`);
  process.exit(1);
});
// `chatgate up` tells them last: a line printed here would scroll away above its own.
const told = `${origin}/book/ (accounts: ${origin}/sign-in)`;
process.exit(await run(`${root}.venv/bin/chatgate`, ["up", "--pages", told]));
