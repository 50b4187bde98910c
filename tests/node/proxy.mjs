// A client library, as npm has it, from the address of the chat proxy alone to an answer. Takes a task as JSON,
// as oauth.mjs does, with the proxy's address as `proxy`; prints a line of JSON for each step.
import * as dpop from "dpop";
import * as oauth from "oauth4webapi";

import { answerOf, step } from "./steps.mjs";

const task = JSON.parse(process.argv[2]);
const { connect } = await import(`./${task.library}.mjs`);
const loopback = { [oauth.allowInsecureRequests]: true };
const reader = { name: "Ada", email: task.email, password: "correct horse battery" };
const NO_KEY = null;
const chat = new URL("/chat", task.proxy);
const conversations = new URL("/sessions", task.proxy);
const asked = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ message: "How often does the station record a value?", session_id: "s1" }),
};
const asEvents = { ...asked, headers: { ...asked.headers, accept: "text/event-stream" } };

// RFC 9728: the one thing known is where questions are asked.
const discover = async (expected) =>
  oauth.processResourceDiscoveryResponse(
    new URL(expected),
    await oauth.resourceDiscoveryRequest(new URL(task.proxy), loopback),
  );
const resource = await step("resource", () => discover(task.proxy));
await step("another resource", () => discover("https://other.example"));
// The library reads the challenges of whatever answer it is given.
const unasked = async () => oauth.processRevocationResponse(await fetch(chat, asked));
await step("no token", unasked);
await step("what the challenge points to", async () => {
  const [challenge] = await unasked().catch((error) => error.cause);
  return (await fetch(challenge.parameters.resource_metadata)).json();
});

const [issuer] = resource.authorization_servers;
const site = await connect(issuer, task);
const signedIn = async (screen, more = {}) => {
  const request = await site.authorization(task.redirectUri, { resource: resource.resource, ...more });
  return site.redeem(await answerOf(request.url, screen, reader), request);
};
const tokens = await signedIn("/login/sign-up");
const ask = async (token, url = chat, more = asked, key = site.own ?? NO_KEY) => {
  const answer = await site.ask(token, url, more, key);
  const text = await answer.text();
  const kind = answer.headers.get("content-type").split(";")[0];
  return { status: answer.status, kind, text };
};

await step("question", () => ask(tokens.access_token));
await step("question, for events", () => ask(tokens.access_token, chat, asEvents));
await step("conversations", () => ask(tokens.access_token, conversations, {}));
await step("conversation", () => ask(tokens.access_token, new URL("/sessions/s1?a=b", task.proxy), {}));
const refreshed = await site.refresh(tokens.refresh_token);
await step("question after a refresh", () => ask(refreshed.access_token));

await step("no token of ours", () => ask("x"));
const narrow = await signedIn("/login", { scope: "history" });
await step("question beyond the scope", () => ask(narrow.access_token));
await step("conversations within the scope", () => ask(narrow.access_token, conversations, {}));
if (site.own) {
  await step("question, another key", async () =>
    ask(refreshed.access_token, chat, asked, await site.key()),
  );
  await step("question, no key", () => ask(refreshed.access_token, chat, asked, NO_KEY));
  const unbound = await connect(issuer, { ...task, alg: null });
  const request = await unbound.authorization(task.redirectUri);
  const free = await unbound.redeem(await answerOf(request.url, "/login", reader), request);
  await step("question with a token that is bound to no key", () => ask(free.access_token));

  // By npm's `dpop`, whose user keeps the nonce, and here sends one proof twice.
  const keys = await dpop.generateKeyPair(task.alg);
  const send = async (url, proof, more, headers = {}) =>
    fetch(url, { ...more, headers: { ...more.headers, ...headers, DPoP: proof } });
  const granted = await unbound.authorization(task.redirectUri);
  const form = {
    grant_type: "authorization_code",
    client_id: task.clientId,
    redirect_uri: task.redirectUri,
    code: (await answerOf(granted.url, "/login", reader)).searchParams.get("code"),
    code_verifier: granted.verifier,
  };
  const redeem = async (nonce) => {
    const { token_endpoint } = unbound.metadata;
    const proof = await dpop.generateProof(keys, token_endpoint, "POST", nonce);
    return send(token_endpoint, proof, { method: "POST", body: new URLSearchParams(form) });
  };
  const nonce = (await redeem()).headers.get("dpop-nonce");
  const { access_token } = await (await redeem(nonce)).json();
  const prove = (nonce) => dpop.generateProof(keys, chat.href, "POST", nonce, access_token);
  const show = async (proof) => {
    const answer = await send(chat, proof, asked, { authorization: `DPoP ${access_token}` });
    const { code = null } = await answer.json();
    return { status: answer.status, code, nonce: answer.headers.get("dpop-nonce") };
  };
  const told = ({ status, code }) => [status, code];
  const first = await show(await prove());
  await step("proof without a nonce", () => told(first));
  const proof = await prove(first.nonce);
  await step("proof", async () => told(await show(proof)));
  await step("proof again", async () => told(await show(proof)));
  await step("next proof", async () => told(await show(await prove(first.nonce))));
}
await site.revoke(refreshed.refresh_token);
await step("question after revocation", () => ask(refreshed.access_token));
