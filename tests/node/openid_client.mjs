// openid-client behind the verbs that oauth.mjs uses. Its own checks are all on.
import * as client from "openid-client";

import { authentication } from "./oauth4webapi.mjs";

export async function connect(address, { clientId, alg, gateway }) {
  const discover = (id, metadata = {}, authenticate = client.None(), more = []) =>
    client.discovery(new URL(address), id, metadata, authenticate, {
      algorithm: "oauth2",
      execute: [client.allowInsecureRequests, ...more],
    });
  const config = await discover(clientId);
  const key = async () => client.getDPoPHandle(config, await client.randomDPoPKeyPair(alg));
  const own = alg && (await key());
  const bound = (DPoP) => (DPoP ? { DPoP } : {});

  return {
    metadata: config.serverMetadata(),
    own,
    key,

    async authorization(redirectUri, more = {}) {
      const verifier = client.randomPKCECodeVerifier();
      const state = client.randomState();
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        state,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        ...(own && { dpop_jkt: await own.calculateThumbprint() }),
        ...more,
      });
      return { url, verifier, state, redirectUri };
    },

    redeem: (answer, { verifier, state }, key = own) =>
      client.authorizationCodeGrant(
        config,
        answer,
        { pkceCodeVerifier: verifier, expectedState: state },
        {},
        bound(key),
      ),

    refresh: (token, more = {}, key = own) => client.refreshTokenGrant(config, token, more, bound(key)),

    otherGrant: (type, parameters) => client.genericGrantRequest(config, type, parameters, bound(own)),

    ask: (token, url, { method = "GET", body, headers } = {}, key = own) =>
      client.fetchProtectedResource(config, token, url, method, body, new Headers(headers), bound(key)),

    async revoke(token, { id = clientId, secret } = {}) {
      const authenticate = secret ? client.ClientSecretBasic(secret) : client.None();
      return client.tokenRevocation(await discover(id, {}, authenticate), token);
    },

    async introspect(token, { method = "Basic", secret = gateway[1], signed = null } = {}) {
      const metadata = signed ? { introspection_signed_response_alg: signed } : {};
      const authenticate = authentication(client, method, secret);
      const checks = signed ? [client.enableNonRepudiationChecks] : [];
      const caller = await discover(gateway[0], metadata, authenticate, checks);
      return client.tokenIntrospection(caller, token);
    },
  };
}
