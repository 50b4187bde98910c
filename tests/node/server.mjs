// Real Better Auth servers on loopback, for the comparison of their answers with the broker's.
// Takes the ports of one of 1.7 and one of 1.6, the secret and the origin of a trusted site; ends when its
// standard input closes.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

const [port, oldPort, secret, site] = process.argv.slice(2);

// The compared answers show no hash, and scrypt would take most of the time.
const quick = async (password) => createHash("sha256").update(password).digest("hex");

async function serve(name, port) {
  const { betterAuth } = await import(name);
  const { memoryAdapter } = await import(`${name}/adapters/memory`);
  const { toNodeHandler } = await import(`${name}/node`);
  const { anonymous, bearer, jwt } = await import(`${name}/plugins`);
  const auth = betterAuth({
    baseURL: `http://127.0.0.1:${port}`,
    secret,
    trustedOrigins: [site],
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], jwks: [] }),
    emailAndPassword: {
      enabled: true,
      password: { hash: quick, verify: async ({ hash, password }) => hash === (await quick(password)) },
    },
    user: { deleteUser: { enabled: true } },
    // A row of SQL has null where this storage has no member at all.
    databaseHooks: { user: { create: { before: async (user) => ({ data: { ...user, image: user.image ?? null } }) } } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
    plugins: [bearer(), jwt({ jwks: { keyPairConfig: { alg: "ES256" } } }), anonymous()],
  });
  createServer(toNodeHandler(auth)).listen(Number(port), "127.0.0.1");
}

// When the newer one listens, both do.
await serve("better-auth-1.6", oldPort);
await serve("better-auth", port);
process.stdin.resume().on("end", () => process.exit(0));
