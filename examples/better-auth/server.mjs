// A docs site with accounts of its own: the pages, a page for signing in, and a Better Auth server, at one
// origin. start.mjs starts it beside chatgate.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { LibsqlDialect } from "@libsql/kysely-libsql";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer } from "better-auth/plugins";
import { sessionEnded } from "./chatgate-webhook.mjs";

const SIGN_IN = fileURLToPath(new URL("sign-in.html", import.meta.url));
const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};

/**
 * `folder` has the built pages, which are served below `basePath`. `database` is an SQLite file. `webhook` has the
 * address and the secret by which chatgate is told of the end of a session.
 */
export async function serve({ port, folder, basePath, database, secret, webhook }) {
  const origin = `http://127.0.0.1:${port}`;
  const options = {
    baseURL: origin,
    secret,
    trustedOrigins: [origin],
    database: { dialect: new LibsqlDialect({ url: `file:${database}` }), type: "sqlite" },
    emailAndPassword: { enabled: true },
    // chatgate asks with the session's token as bearer.
    plugins: [bearer()],
    databaseHooks: { session: { delete: { after: sessionEnded(webhook) } } },
    telemetry: { enabled: false },
  };
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  const answer = toNodeHandler(betterAuth(options));
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, origin);
    if (pathname.startsWith("/api/auth/")) return answer(request, response);
    const file = await fileOf(pathname, folder, basePath);
    if (file === null) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return { origin, server };
}

async function fileOf(pathname, folder, basePath) {
  if (pathname === "/sign-in") return SIGN_IN;
  if (!pathname.startsWith(basePath)) return null;
  const path = normalize(decodeURIComponent(pathname.slice(basePath.length)));
  if (path.startsWith("..")) return null;
  for (const one of [path, `${path}.html`, join(path, "index.html")]) {
    const found = await stat(join(folder, one)).catch(() => null);
    if (found?.isFile()) return join(folder, one);
  }
  return null;
}
