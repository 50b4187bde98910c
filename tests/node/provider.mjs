// A provider of OpenID Connect on loopback. It signs in the user whom `login_hint` names, and vouches for
// addresses that begin with "verified".
import { OAuth2Server } from "oauth2-mock-server";

const HOST = "127.0.0.1";

// Answers the address of its discovery document.
export async function openProvider() {
  const server = new OAuth2Server();
  await server.issuer.keys.generate("RS256");
  await server.start(0, HOST);
  server.issuer.url = `http://${HOST}:${server.address().port}`;
  const addresses = new Map();
  server.service.on("beforeAuthorizeRedirect", ({ url }, request) => {
    addresses.set(url.searchParams.get("code"), request.query.login_hint);
  });
  server.service.on("beforeTokenSigning", ({ payload }, { body }) => {
    const email = addresses.get(body.code);
    Object.assign(payload, { sub: email, email, email_verified: email.startsWith("verified"), name: "Ada" });
  });
  return `${server.issuer.url}/.well-known/openid-configuration`;
}
