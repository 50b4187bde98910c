// A client library, as npm has it, through the broker's whole OAuth side. Takes a task as JSON: `library` is
// one of the modules beside this one, `alg` that of a DPoP key or null. Prints a line of JSON for each step.
import { answerOf, refusalOf, step } from "./steps.mjs";

const task = JSON.parse(process.argv[2]);
const { connect } = await import(`./${task.library}.mjs`);
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const NO_KEY = null;
const reader = { name: "Ada", email: task.email, password: "correct horse battery" };

let site;
await step("discovery", async () => {
  site = await connect(task.broker, task);
  return site.metadata;
});
await step("discovery of another issuer", () => connect(task.broker.replace("127.0.0.1", "localhost"), task));
await step("key", () => site.own?.calculateThumbprint());

async function signIn(more) {
  const request = await site.authorization(task.redirectUri, more);
  return [await answerOf(request.url, "/login", reader), request];
}
const redeem = async (more, key) => site.redeem(...(await signIn(more)), key);
const exchange = (token, more) =>
  site.otherGrant(EXCHANGE, { subject_token: token, subject_token_type: ACCESS_TOKEN, ...more });

// The answer to the site, and what is not one.
const request = await site.authorization(task.redirectUri);
const answer = await answerOf(request.url, "/login/sign-up", reader);
await step("answer", () => [...answer.searchParams.keys()]);
await step("answer to another request", () => site.redeem(answer, { ...request, state: "another" }));
const mixedUp = new URL(answer);
mixedUp.searchParams.set("iss", "https://other.example");
await step("answer of another issuer", () => site.redeem(mixedUp, request));
mixedUp.searchParams.delete("iss");
await step("answer of no issuer", () => site.redeem(mixedUp, request));

const first = await step("code", () => site.redeem(answer, request));
await step("code again", () => site.redeem(answer, request));
await step("refresh of what the code gave", () => site.refresh(first.refresh_token));
await step("code, wrong verifier", async () => {
  const [answer, request] = await signIn();
  return site.redeem(answer, { ...request, verifier: "x".repeat(43) });
});
const tokens = await step("code for one scope", () => redeem({ scope: "chat" }));
await step("refresh beyond the scope", () =>
  site.refresh(tokens.refresh_token, { scope: "chat history" }),
);

const whole = await step("code anew", () => redeem());
const next = await step("refresh", () => site.refresh(whole.refresh_token));
if (site.own) {
  await step("code, another key", async () => redeem({}, await site.key()));
  await step("code, no key", () => redeem({}, NO_KEY));
  await step("refresh, another key", async () => site.refresh(next.refresh_token, {}, await site.key()));
  await step("refresh, no key", () => site.refresh(next.refresh_token, {}, NO_KEY));
}
const narrow = await step("exchange", () => exchange(next.access_token, { scope: "chat" }));
await step("exchange beyond the scope", () => exchange(next.access_token, { scope: "admin" }));
await step("exchange for another audience", () =>
  exchange(next.access_token, { resource: "https://other.example" }),
);
await step("exchange of what is unknown", () => exchange("x"));
await step("unknown grant", () => site.otherGrant("urn:example:grant", {}));

await step("introspection by Basic", () => site.introspect(next.access_token));
await step("introspection by form", () => site.introspect(narrow.access_token, { method: "form" }));
await step("introspection, signed", () => site.introspect(next.access_token, { signed: task.signed }));
await step("introspection, signed with another alg", () =>
  site.introspect(next.access_token, { signed: "PS256" }),
);
await step("introspection of a refresh token", () => site.introspect(next.refresh_token));
await step("introspection of what is unknown", () => site.introspect("x", { signed: task.signed }));
await step("introspection by Basic, wrong secret", () => site.introspect("x", { secret: "wrong" }));
await step("introspection by form, wrong secret", () =>
  site.introspect("x", { method: "form", secret: "wrong" }),
);
await step("introspection, no secret", () => site.introspect("x", { method: "none" }));

await step("revocation", () => site.revoke(next.access_token));
await step("introspection of the revoked", () => site.introspect(next.access_token));
await step("introspection of what was narrowed from it", () => site.introspect(narrow.access_token));
await step("revocation of what is unknown", () => site.revoke("x"));
await step("revocation by an unknown site", () => site.revoke("x", { id: "nobody" }));
await step("revocation with a secret", () => site.revoke("x", { secret: "a site has none" }));
const last = await step("refresh after revocation", () => site.refresh(next.refresh_token));
await step("revocation of a refresh token", () => site.revoke(last.refresh_token));
await step("refresh of the revoked", () => site.refresh(last.refresh_token));
await step("introspection of its access token", () => site.introspect(last.access_token));

// The error that the site is told in its address, where there is no code.
await step("the reader would rather not", async () => {
  const request = await site.authorization(task.redirectUri);
  return site.redeem(await refusalOf(request.url, task.redirectUri), request);
});
await step("authorization beyond the scopes", () => redeem({ scope: "admin" }));
await step("authorization for another audience", () => redeem({ resource: "https://other.example" }));
await step("authorization without S256", () => redeem({ code_challenge_method: "plain" }));
await step("authorization for a token", () => redeem({ response_type: "token" }));
