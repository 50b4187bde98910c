// A real Better Auth server on loopback, for the comparison of its answers with the broker's.
// Takes the port, the secret and the origin of a trusted site; ends when its standard input closes.
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { anonymous, bearer, jwt } from "better-auth/plugins";

const [port, secret, site] = process.argv.slice(2);

const tables = { user: [], session: [], account: [], verification: [], jwks: [] };

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret,
  trustedOrigins: [site],
  database: memoryAdapter(tables),
  emailAndPassword: { enabled: true },
  user: { deleteUser: { enabled: true } },
  // A row of SQL has null where this storage has no member at all.
  databaseHooks: { user: { create: { before: async (user) => ({ data: { ...user, image: user.image ?? null } }) } } },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
  plugins: [bearer(), jwt({ jwks: { keyPairConfig: { alg: "ES256" } } }), anonymous()],
});

const server = createServer(toNodeHandler(auth));
server.listen(Number(port), "127.0.0.1");
process.stdin.resume().on("end", () => process.exit(0));
