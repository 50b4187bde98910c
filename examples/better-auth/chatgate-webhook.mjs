// Tells chatgate's broker that a session ended, so that its answers end at once. For `databaseHooks` of a Better
// Auth server whose sessions are in a database:
//
//   databaseHooks: { session: { delete: { after: sessionEnded({ url, secret }) } } }
//
// and for one whose sessions are in a `secondaryStorage` alone, as no database hook runs there:
//
//   secondaryStorage: tellingStorage(redisStorage({ client }), { url, secret })
//
// `url` is the broker's address with /webhooks/better-auth/NAME, NAME the site in chatgate.toml; `secret` is
// sites.NAME.better_auth.webhook_secret. Node 20 or newer, no packages.
import { createHmac, randomUUID } from "node:crypto";

const PATIENCE_MS = 2000;
const ATTEMPTS = 2;
// Better Auth's own names for what it stores: a session, and since 1.7.16 the end of all sessions of a user.
const SESSION_KEY = /^[A-Za-z0-9]{32}$/;
const ALL_ENDED_KEY = /^revoked-sessions-before-(.+)$/;

// https://www.standardwebhooks.com, version 1.
function signed(secret, body) {
  const id = randomUUID();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
}

export function sessionEnded(broker) {
  return (session) => tell(broker, { user_id: String(session.userId), session_id: String(session.id) });
}

export function tellingStorage(storage, broker) {
  return {
    ...storage,
    async set(key, value, ttl) {
      await storage.set(key, value, ttl);
      const [, userId] = ALL_ENDED_KEY.exec(key) ?? [];
      if (userId) await tell(broker, { user_id: userId });
    },
    async delete(key) {
      const session = SESSION_KEY.test(key) ? sessionOf(await storage.get(key)) : null;
      await storage.delete(key);
      if (session) await sessionEnded(broker)(session);
    },
  };
}

function sessionOf(stored) {
  try {
    const { session } = typeof stored === "string" ? JSON.parse(stored) : stored;
    return session?.userId && session.id ? session : null;
  } catch {
    return null;
  }
}

async function tell({ url, secret }, message) {
  const body = JSON.stringify(message);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const answer = await fetch(url, { method: "POST", headers: signed(secret, body), body, signal });
      if (answer.ok) return;
      console.warn(`chatgate answered ${answer.status} to the end of a session`);
    } catch (error) {
      console.warn(`chatgate was not told of the end of a session: ${error.message}`);
    }
  }
  // The sign-out itself must not fail: chatgate notices it within its stated time.
}
