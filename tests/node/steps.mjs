// The parts that the scripts of OAuth clients share: steps that are told as lines of JSON, each with the
// requests that the library sent for it, and the reader's browser.
const plainFetch = globalThis.fetch;
let wire = [];

// The libraries call the global one, and are otherwise as npm has them.
globalThis.fetch = async (input, init) => {
  const headers = new Headers(init?.headers ?? input.headers);
  const response = await plainFetch(input, init);
  wire.push({
    path: new URL(input.url ?? input).pathname,
    proved: headers.has("dpop"),
    scheme: headers.get("authorization")?.split(" ")[0] ?? null,
    accept: headers.get("accept"),
    hasNonce: response.headers.has("dpop-nonce"),
    status: response.status,
  });
  return response;
};

export async function step(name, run) {
  wire = [];
  let data = null;
  let error = null;
  try {
    data = (await run()) ?? null;
  } catch (thrown) {
    error = told(thrown);
  }
  console.log(JSON.stringify({ step: name, data, error, wire }));
  return data;
}

// An OAuth error gives its class, status, code and the parameter at fault; a challenge its class, status and
// parameters; a failed check the library's code and reason.
function told(thrown) {
  const { name, code, status, error, error_description, cause } = thrown;
  if (typeof error === "string") return [name, status ?? null, error, error_description?.split(":")[0] ?? null];
  if (Array.isArray(cause)) return [name, status, cause];
  return [code ?? name, cause instanceof Error ? cause.message : thrown.message];
}

// Acts as a reader's browser on an authorization request: it shows the login page, which is `screen` of it,
// sends the form, and returns the address at which the site is told the answer.
export async function answerOf(authorizationUrl, screen, fields) {
  const shown = await visit(authorizationUrl);
  if (shown.sentTo) return shown.sentTo;
  const page = screen === "/login" ? shown : await visit(addressIn(shown, screen));
  const form = addressIn(page, screen);
  const origin = new URL(form).origin;
  const headers = { origin, "sec-fetch-site": "same-origin" };
  const sent = { method: "POST", redirect: "manual", headers, body: new URLSearchParams(fields) };
  const response = await plainFetch(form, sent);
  if (response.status !== 303) throw new Error(`the form gave ${response.status}: ${await response.text()}`);
  return new URL(response.headers.get("location"));
}

// Where the reader who would rather not sign in is led.
export async function refusalOf(authorizationUrl, callback) {
  return addressIn(await visit(authorizationUrl), callback);
}

async function visit(url) {
  const response = await plainFetch(url, { redirect: "manual" });
  if (response.status !== 303) {
    if (response.status !== 200) throw new Error(`${url} gave ${response.status}`);
    return { url, html: await response.text() };
  }
  const next = new URL(response.headers.get("location"), url);
  return next.origin === new URL(url).origin ? visit(next) : { sentTo: next };
}

function addressIn({ url, html }, start) {
  for (const [, written] of html.matchAll(/(?:action|href)="([^"]*)"/g)) {
    const address = new URL(written.replaceAll("&amp;", "&"), url);
    const path = `${address.origin}${address.pathname}`;
    if (path === new URL(start, url).href.split("?")[0]) return address;
  }
  throw new Error(`no ${start} on ${url}`);
}
