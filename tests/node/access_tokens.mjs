// Judges tokens as a resource server would that takes this broker's access tokens, with oauth4webapi and with
// jose; and proofs, with `dpop` on its own. Takes a task as JSON and prints a line of JSON for each step.
import * as dpop from "dpop";
import * as jose from "jose";
import * as oauth from "oauth4webapi";

import { connect } from "./oauth4webapi.mjs";
import { answerOf, step } from "./steps.mjs";

const task = JSON.parse(process.argv[2]);
const loopback = { [oauth.allowInsecureRequests]: true };
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const reader = { name: "Ada", email: "ada@example.com", password: "correct horse battery" };
const question = `${task.audience}/chat`;
const other = "https://other.example";

const site = await connect(task.broker, task);
const as = site.metadata;
const signed = async (screen) => {
  const request = await site.authorization(task.redirectUri);
  return [await answerOf(request.url, screen, reader), request];
};
const tokens = await site.redeem(...(await signed("/login/sign-up")));
const narrowed = await site.otherGrant(TOKEN_EXCHANGE, {
  subject_token: tokens.access_token,
  subject_token_type: ACCESS_TOKEN,
  scope: "chat",
});

// By the Better Auth API, of a site that may see its session tokens.
const signIn = await fetch(`${task.broker}/api/auth/sign-in/email`, {
  method: "POST",
  headers: { "content-type": "application/json", origin: task.origin },
  body: JSON.stringify(reader),
});
const session = { token: (await signIn.json()).token, header: signIn.headers.get("set-auth-token") };

// The proofs of npm's `dpop`: the nonce is taken from the answer by hand.
async function boundBy(alg) {
  const keys = await dpop.generateKeyPair(alg);
  const [answer, request] = await signed("/login");
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: task.clientId,
    redirect_uri: task.redirectUri,
    code: answer.searchParams.get("code"),
    code_verifier: request.verifier,
  });
  const send = async (nonce) => {
    const proof = await dpop.generateProof(keys, as.token_endpoint, "POST", nonce);
    return fetch(as.token_endpoint, { method: "POST", headers: { DPoP: proof }, body });
  };
  const first = await send();
  const second = await send(first.headers.get("dpop-nonce"));
  const errors = [(await first.json()).error];
  const found = await second.json();
  if (found.error) errors.push(found.error);
  return { keys, token: found.access_token, errors, type: found.token_type };
}
const bound = {};
for (const alg of ["ES256", "Ed25519", "RS256"]) {
  await step(`a proof of ${alg}`, async () => {
    const { keys, token, errors, type } = (bound[alg] = await boundBy(alg));
    const isBound = token && jose.decodeJwt(token).cnf.jkt === (await dpop.calculateThumbprint(keys.publicKey));
    return { errors, type: type ?? null, isBound: isBound ?? null };
  });
}

// As a resource server: oauth4webapi.
const validate = (headers, audience = task.audience, more = {}) =>
  oauth.validateJwtAccessToken(as, new Request(question, { method: "POST", headers }), audience, {
    ...loopback,
    ...more,
  });
const asBearer = (token, ...more) => validate({ authorization: `Bearer ${token}` }, ...more);
async function asBound({ keys, token }, url = question, prover = keys) {
  const proof = await dpop.generateProof(prover, url, "POST", undefined, token);
  return validate({ authorization: `DPoP ${token}`, dpop: proof });
}
const es256 = bound.ES256;
const proof = await dpop.generateProof(es256.keys, question, "POST", undefined, es256.token);

await step("access token", () => asBearer(tokens.access_token));
await step("access token, narrowed", () => asBearer(narrowed.access_token));
await step("access token of a session", async () => {
  const headers = { authorization: `Bearer ${session.token}`, origin: task.origin };
  const answer = await fetch(`${task.broker}/auth/token`, { headers });
  return asBearer((await answer.json()).token);
});
await step("bound access token, ES256", () => asBound(es256));
await step("bound access token, Ed25519", () => asBound(bound.Ed25519));
await step("bound access token as bearer", () => asBearer(es256.token));
await step("bound access token, another key", async () =>
  asBound(es256, question, await dpop.generateKeyPair("ES256")),
);
await step("bound access token, another address", () => asBound(es256, `${task.audience}/sessions`));
await step("access token where a bound one is needed", () =>
  asBearer(tokens.access_token, task.audience, { requireDPoP: true }),
);
await step("access token, another audience", () => asBearer(tokens.access_token, other));

// Every other thing that is made here.
const [answer] = await signed("/login");
const introspection = await oauth.introspectionRequest(
  as,
  { client_id: task.gateway[0] },
  oauth.ClientSecretBasic(task.gateway[1]),
  tokens.access_token,
  { ...loopback, requestJwtResponse: true },
);
const others = {
  "refresh token": tokens.refresh_token,
  code: answer.searchParams.get("code"),
  "session token": session.token,
  "signed session token": session.header,
  "introspection answer": await introspection.text(),
  "DPoP proof": proof,
  "internal JWT": task.internal,
};
for (const [name, token] of Object.entries(others)) {
  await step(name, () => asBearer(token, name === "introspection answer" ? task.gateway[0] : task.audience));
}

// The same by jose, which is told what an access token is.
const jwks = jose.createRemoteJWKSet(new URL(as.jwks_uri));
const expected = { typ: "at+jwt", issuer: as.issuer, audience: task.audience };
const verify = async (token, more = {}) => {
  const { payload, protectedHeader } = await jose.jwtVerify(token, jwks, { ...expected, ...more });
  return { claims: payload, alg: protectedHeader.alg };
};
await step("jose", () => verify(tokens.access_token));
await step("jose, another audience", () => verify(tokens.access_token, { audience: other }));
await step("jose, another issuer", () => verify(tokens.access_token, { issuer: other }));
await step("jose, another type", () => verify(tokens.access_token, { typ: "JWT" }));
await step("jose, later", () =>
  verify(tokens.access_token, { currentDate: new Date(Date.now() + 301_000) }),
);
await step("jose, changed", () => {
  const [header, , signature] = tokens.access_token.split(".");
  const claims = { ...jose.decodeJwt(tokens.access_token), tier: "gold" };
  return verify(`${header}.${jose.base64url.encode(JSON.stringify(claims))}.${signature}`);
});
for (const [name, token] of Object.entries(others)) {
  await step(`jose, ${name}`, () =>
    verify(token, name === "introspection answer" ? { audience: task.gateway[0] } : {}),
  );
}
