// oauth4webapi behind the verbs that oauth.mjs uses. Its own checks are all on.
import * as oauth from "oauth4webapi";

const loopback = { [oauth.allowInsecureRequests]: true };

export async function connect(address, { clientId, alg, gateway }) {
  const issuer = new URL(address);
  const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...loopback });
  const as = await oauth.processDiscoveryResponse(issuer, found);
  const client = { client_id: clientId };
  const key = async () => oauth.DPoP(client, await oauth.generateKeyPair(alg));
  const own = alg && (await key());

  // As the library's examples have it: once more, with the nonce that it has kept.
  async function proved(DPoP, run) {
    const options = { ...loopback, ...(DPoP && { DPoP }) };
    try {
      return await run(options);
    } catch (error) {
      if (!DPoP || !oauth.isDPoPNonceError(error)) throw error;
      return run(options);
    }
  }
  const grant = (DPoP, send, process) =>
    proved(DPoP, async (options) => process(as, client, await send(options)));

  return {
    metadata: as,
    own,
    key,

    async authorization(redirectUri, more = {}) {
      const verifier = oauth.generateRandomCodeVerifier();
      const state = oauth.generateRandomState();
      const url = new URL(as.authorization_endpoint);
      url.search = new URLSearchParams({
        response_type: "code",
        client_id: clientId,
        redirect_uri: redirectUri,
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        ...(own && { dpop_jkt: await own.calculateThumbprint() }),
        ...more,
      });
      return { url, verifier, state, redirectUri };
    },

    redeem(answer, { verifier, state, redirectUri }, key = own) {
      const answered = oauth.validateAuthResponse(as, client, answer, state);
      return grant(
        key,
        (options) =>
          oauth.authorizationCodeGrantRequest(
            as,
            client,
            oauth.None(),
            answered,
            redirectUri,
            verifier,
            options,
          ),
        oauth.processAuthorizationCodeResponse,
      );
    },

    refresh: (token, more = {}, key = own) =>
      grant(
        key,
        (options) =>
          oauth.refreshTokenGrantRequest(as, client, oauth.None(), token, {
            ...options,
            additionalParameters: more,
          }),
        oauth.processRefreshTokenResponse,
      ),

    otherGrant: (type, parameters) =>
      grant(
        own,
        (options) => oauth.genericTokenEndpointRequest(as, client, oauth.None(), type, parameters, options),
        oauth.processGenericTokenEndpointResponse,
      ),

    ask: (token, url, { method = "GET", body, headers } = {}, key = own) =>
      proved(key, (options) =>
        oauth.protectedResourceRequest(token, method, url, new Headers(headers), body, options),
      ),

    async revoke(token, { id = clientId, secret } = {}) {
      const authentication = secret ? oauth.ClientSecretBasic(secret) : oauth.None();
      const sent = await oauth.revocationRequest(as, { client_id: id }, authentication, token, loopback);
      return oauth.processRevocationResponse(sent);
    },

    async introspect(token, { method = "Basic", secret = gateway[1], signed = null } = {}) {
      const caller = { client_id: gateway[0] };
      if (signed) caller.introspection_signed_response_alg = signed;
      const sent = await oauth.introspectionRequest(
        as,
        caller,
        authentication(oauth, method, secret),
        token,
        loopback,
      );
      const found = await oauth.processIntrospectionResponse(as, caller, sent);
      if (signed) await oauth.validateApplicationLevelSignature(as, sent, loopback);
      return found;
    },
  };
}

export function authentication(library, method, secret) {
  if (method === "none") return library.None();
  return method === "Basic" ? library.ClientSecretBasic(secret) : library.ClientSecretPost(secret);
}
