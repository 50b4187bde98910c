// Better Auth's own client, unchanged, through every call that the broker answers. Takes the broker's
// address, the site's origin, "cookie" or "bearer", the package whose client it is, and which one of its clients:
// "client", or that of a framework. Prints a line of JSON for each step, with what the client returned and what
// went over the wire for it.
import { createServer } from "node:net";
import { openBrowser, views } from "./views.mjs";

const [baseURL, origin, credentials, library, kind] = process.argv.slice(2);
const isPage = kind !== "client";
if (isPage) await openBrowser(`${origin}/`);
const mount = await views[kind]();
const { createAuthClient } = await import(isPage ? `${library}/${kind}` : `${library}/client`);
const { anonymousClient, jwtClient } = await import(`${library}/client/plugins`);
const PASSWORD = "correct horse battery";
const NEW_PASSWORD = "battery horse correct";
const NEWEST_PASSWORD = "horse battery correct";

// An address that refuses connections, as a broker's does that is down.
const nowhere = await new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(`http://127.0.0.1:${port}`));
  });
});

let wire = [];

// One browser, or one script that keeps a bearer token: a page of the site, with what it was given.
class Device {
  cookies = new Map();
  state = { isPending: true };
  looks = new Set();
  token = "";
  isCutOff = false;

  constructor(name) {
    this.name = name;
    this.client = createAuthClient({
      baseURL,
      plugins: [anonymousClient(), jwtClient()],
      fetchOptions: {
        customFetchImpl: (input, init) => this.fetch(input, init),
        ...(credentials === "bearer" && { auth: { type: "Bearer", token: () => this.token } }),
        onSuccess: ({ response }) => {
          this.token = response.headers.get("set-auth-token") ?? this.token;
        },
      },
    });
    // Kept mounted, as by a component on the page.
    mount(this.client, (state) => {
      this.state = state;
      for (const look of this.looks) look();
    });
  }

  async fetch(input, init) {
    const headers = new Headers(init.headers);
    headers.set("origin", origin);
    headers.set("user-agent", this.name);
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    if (credentials === "cookie" && cookie) headers.set("cookie", cookie);
    const asked = this.isCutOff ? `${input}`.replace(baseURL, nowhere) : input;
    const response = await fetch(asked, { ...init, headers });
    const setCookies = response.headers.getSetCookie();
    for (const line of setCookies) this.keep(line);
    wire.push({
      method: init.method,
      path: new URL(input).pathname,
      status: response.status,
      headers: [...response.headers].filter(([name]) => name !== "set-cookie"),
      setCookies,
      body: await response.clone().text(),
    });
    return response;
  }

  keep(line) {
    const [pair, ...attributes] = line.split("; ");
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    if (attributes.includes("Max-Age=0")) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  // Returns the user that the page shows, once `expected` accepts it.
  shows(expected) {
    return this.is(({ data }) => expected(data?.user ?? null));
  }

  // Returns the state of the page's session, once `expected` accepts it.
  is(expected) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("the page was not updated")), 10_000);
      const look = () => {
        const { data, isPending, isRefetching } = this.state;
        if (isPending || isRefetching || !expected(this.state)) return;
        clearTimeout(timer);
        this.looks.delete(look);
        resolve({ data: data && { user: data.user.name } });
      };
      this.looks.add(look);
      look();
    });
  }
}

async function step(name, result) {
  wire = [];
  const { data, error } = await result();
  console.log(JSON.stringify({ step: name, data: data ?? null, error: error ?? null, wire }));
  return data;
}

const first = new Device("first");
const second = new Device("second");
const a = first.client;
const b = second.client;
const email = `${credentials}-${library}-${kind}-${new URL(origin).hostname}@example.com`;
const signInOn = (client, password = PASSWORD, more = {}) => client.signIn.email({ email, password, ...more });
const isNobody = (user) => user === null;
const isNamed = (name) => (user) => user?.name === name;

// A page learns of changes that were made elsewhere when it is looked at again, and by a message of another
// tab.
const EVENTS = {
  "in view": () => document.dispatchEvent(new window.Event("visibilitychange")),
  "after another tab": () => {
    const newValue = JSON.stringify({ event: "session", data: { trigger: "updateUser" } });
    window.dispatchEvent(new window.StorageEvent("storage", { key: "better-auth.message", newValue }));
  },
};

async function changesElsewhere() {
  await step("sign in elsewhere", () => signInOn(b));
  for (const [when, happen] of Object.entries(EVENTS)) {
    const name = `Ada ${when}`;
    await step(`update elsewhere, ${when}`, () => b.updateUser({ name }));
    await step(`page ${when}`, () => {
      happen();
      return first.shows(isNamed(name));
    });
  }
}

// A broker that cannot be reached signs no reader out: the page says that it failed, and goes on when it can.
async function brokerIsDown() {
  first.isCutOff = true;
  await step("page while the broker is down", () => {
    EVENTS["after another tab"]();
    return first.is(({ error }) => error);
  });
  first.isCutOff = false;
  await step("page when the broker is back", () => {
    EVENTS["after another tab"]();
    return first.is(({ data, error }) => data && !error);
  });
}

// Nuxt's way on a server: the client names the address, and `useFetch` asks it.
const useFetch = async (url) => ({ data: await (await first.fetch(url, { method: "GET" })).json(), error: null });

if (isPage) await step("page at first", () => first.shows(isNobody));
await step("ok", () => a.ok());
await step("session of nobody", () => a.getSession());
await step("list of nobody", () => a.listSessions());

await step("sign up", () => a.signUp.email({ name: "Ada Lovelace", email, password: PASSWORD }));
await step("store after sign up", () => first.shows(isNamed("Ada Lovelace")));
await step("session", () => a.getSession());
await step("sign up again", () => b.signUp.email({ name: "Eve", email, password: PASSWORD }));
await step("sign out", () => a.signOut());
await step("store after sign out", () => first.shows(isNobody));
await step("session after sign out", () => a.getSession());

await step("sign in, wrong", () => signInOn(a, "wrong horse battery"));
await step("sign in, unknown", () => a.signIn.email({ email: "nobody@example.com", password: PASSWORD }));
await step("sign in", () => signInOn(a));
await step("store after sign in", () => first.shows(isNamed("Ada Lovelace")));

await step("sign in for a day", () => signInOn(b, PASSWORD, { rememberMe: false }));
const list = await step("list", () => a.listSessions());
const other = list.find((session) => session.userAgent === "second");
await step("revoke one", () => a.revokeSession({ token: other.token }));
await step("revoke an unknown one", () => a.revokeSession({ token: "x".repeat(32) }));
await step("session of the revoked", () => b.getSession());
await step("list after revoke", () => a.listSessions());

await step("sign in on the other", () => signInOn(b));
await step("revoke others", () => a.revokeOtherSessions());
await step("session of the other", () => b.getSession());
await step("session of the one", () => a.getSession());

await step("update", () => a.updateUser({ name: "Ada King" }));
await step("store after update", () => first.shows(isNamed("Ada King")));
await step("update of the address", () => a.updateUser({ email: "other@example.com" }));

if (isPage) await changesElsewhere();
if (isPage) await brokerIsDown();
if (kind === "vue") await step("session by useFetch", () => a.useSession(useFetch));

await step("token", () => a.token());
await step("jwks", () => a.jwks());

const change = (currentPassword, newPassword, more = {}) =>
  a.changePassword({ currentPassword, newPassword, ...more });
await step("change, wrong", () => change("wrong horse battery", NEW_PASSWORD));
await step("change", () => change(PASSWORD, NEW_PASSWORD));
await step("session after change", () => a.getSession());
await step("sign in, old password", () => signInOn(b));
await step("sign in, new password", () => signInOn(b, NEW_PASSWORD));
await step("change for all", () => change(NEW_PASSWORD, NEWEST_PASSWORD, { revokeOtherSessions: true }));
await step("session of the one after change", () => a.getSession());
await step("session of the other after change", () => b.getSession());

await step("revoke all", () => a.revokeSessions());
await step("store after revoke all", () => first.shows(isNobody));

await step("sign in to delete", () => signInOn(a, NEWEST_PASSWORD));
await step("delete, wrong", () => a.deleteUser({ password: PASSWORD }));
await step("delete", () => a.deleteUser({ password: NEWEST_PASSWORD }));
await step("store after delete", () => first.shows(isNobody));
await step("sign in, deleted", () => signInOn(a, NEWEST_PASSWORD));

await step("guest", () => a.signIn.anonymous());
await step("store of a guest", () => first.shows((user) => user?.isAnonymous === true));
await step("guest again", () => a.signIn.anonymous());
await step("token of a guest", () => a.token());
await step("guest leaves", () => a.signOut());
await step("store after the guest", () => first.shows(isNobody));
process.exit(0);
