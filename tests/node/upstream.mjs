// Real Better Auth servers on loopback, as sites run their own. Takes a list of them as JSON, each with `port`,
// `secret`, `site` (a trusted origin) and what else it has; ends when its standard input closes.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { redisStorage } from "@better-auth/redis-storage";
import { LibsqlDialect } from "@libsql/kysely-libsql";
import { Redis } from "ioredis";
import pg from "pg";
import { sessionEnded, tellingStorage } from "../../examples/better-auth/chatgate-webhook.mjs";
import { allowing } from "../../examples/better-auth/cors.mjs";
import { openProvider } from "./provider.mjs";

const servers = JSON.parse(process.argv[2]);
// Now, as the libraries load for seconds, in which another process could take a port.
const listening = servers.map(({ port }) =>
  createServer((_, answer) => answer.writeHead(503).end()).listen(port, "127.0.0.1"),
);
const discoveryUrl = servers.some((one) => one.social) && (await openProvider());

// Where the hashes are not what is tested, as scrypt would take most of the time.
const quick = async (password) => createHash("sha256").update(password).digest("hex");
const quickly = { hash: quick, verify: async ({ hash, password }) => hash === (await quick(password)) };

const models = "user session account verification jwks organization member invitation twoFactor".split(" ");

// One of `storage`: { memory: true }, { postgres: { host, database, options } } or { sqlite: path }.
function database(storage, { memoryAdapter }) {
  if (storage.postgres) return new pg.Pool({ user: "postgres", ...storage.postgres });
  if (storage.sqlite) return { dialect: new LibsqlDialect({ url: `file:${storage.sqlite}` }), type: "sqlite" };
  return memoryAdapter(Object.fromEntries(models.map((name) => [name, []])));
}

function secondary({ socket, prefix, webhook, storeSessionInDatabase }) {
  const storage = redisStorage({ client: new Redis({ path: socket }), keyPrefix: prefix });
  // The hooks of the database tell where it has the sessions too.
  const tells = webhook && !storeSessionInDatabase;
  return { secondaryStorage: tells ? tellingStorage(storage, webhook) : storage };
}

// Names as people who write SQL by hand have them.
const snake = {
  user: { modelName: "users", fields: { emailVerified: "email_verified", createdAt: "created_at", updatedAt: "updated_at" } },
  session: {
    modelName: "sessions",
    fields: {
      userId: "user_id",
      expiresAt: "expires_at",
      createdAt: "created_at",
      updatedAt: "updated_at",
      ipAddress: "ip_address",
      userAgent: "user_agent",
    },
  },
  admin: { schema: { user: { fields: { banExpires: "ban_expires", banReason: "ban_reason" } } } },
  anonymous: { schema: { user: { fields: { isAnonymous: "is_anonymous" } } } },
};

// The address tells whether a user is an admin and has a verified address. For an address that a provider
// vouches for, the provider's word counts.
const marked = async (user) => ({
  data: {
    ...user,
    role: user.email.startsWith("admin") ? "admin" : "user",
    emailVerified: user.emailVerified || user.email.startsWith("verified"),
  },
});

const provider = () => ({ providerId: "provider", clientId: "site", clientSecret: "any", discoveryUrl, pkce: true });

// `neon`: those that Neon Auth has, which lets no user in without an account.
function plugins(server, lib, names) {
  const jwks = {
    ...(server.alg ? { keyPairConfig: { alg: server.alg } } : {}),
    ...(server.jwksPath ? { jwksPath: server.jwksPath } : {}),
  };
  return [
    ...(server.withoutBearer ? [] : [lib.bearer()]),
    // With a secret changed it cannot read its key, and get-session, in whose answer it signs, is 500.
    ...(server.withoutJwt ? [] : [lib.jwt({ jwks, jwt: { expirationTime: server.jwtLife ?? "15m" } })]),
    lib.oneTimeToken(),
    ...(server.neon ? [] : [lib.anonymous(names.anonymous)]),
    lib.admin(names.admin),
    lib.organization(),
    lib.multiSession(),
    lib.twoFactor({ skipVerificationOnEnable: true }),
    ...(server.customSession ? [lib.customSession(async (found) => ({ ...found, theme: "dark" }))] : []),
    ...(server.social ? [lib.genericOAuth({ config: [provider()] })] : []),
  ];
}

async function library(version) {
  const name = version ? `better-auth-${version}` : "better-auth";
  return {
    ...(await import(name)),
    ...(await import(`${name}/adapters/memory`)),
    ...(await import(`${name}/node`)),
    ...(await import(`${name}/db/migration`)),
    ...(await import(`${name}/plugins`)),
  };
}

for (const [at, server] of servers.entries()) {
  const lib = await library(server.version);
  const names = server.snake ? snake : {};
  const storage = server.storage ?? { memory: true };
  const options = {
    baseURL: `http://127.0.0.1:${server.port}`,
    basePath: server.basePath ?? "/api/auth",
    secret: server.secret,
    ...(server.secrets ? { secrets: server.secrets } : {}),
    trustedOrigins: [server.site],
    database: database(storage, lib),
    ...(server.socket ? secondary(server) : {}),
    emailAndPassword: {
      enabled: true,
      ...(server.scrypt ? {} : { password: quickly }),
    },
    session: {
      ...names.session,
      ...server.session,
      storeSessionInDatabase: server.storeSessionInDatabase ?? false,
      cookieCache: { enabled: server.cookieCache ?? false },
    },
    user: { ...names.user, deleteUser: { enabled: true } },
    databaseHooks: {
      user: { create: { before: marked } },
      ...(server.webhook ? { session: { delete: { after: sessionEnded(server.webhook) } } } : {}),
    },
    advanced: {
      cookiePrefix: server.cookiePrefix ?? "better-auth",
      useSecureCookies: server.secureCookies ?? false,
      ...(server.ids ? { database: { generateId: server.ids } } : {}),
    },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
    plugins: plugins(server, lib, names),
  };
  if (!storage.memory) {
    const { runMigrations } = await lib.getMigrations(options);
    await runMigrations();
  }
  const auth = lib.betterAuth(options);
  const handler = lib.toNodeHandler(auth);
  const answer = server.cors ? allowing([server.site], handler) : handler;
  listening[at].removeAllListeners("request").on("request", answer);
}

process.stdin.resume().on("end", () => process.exit(0));
