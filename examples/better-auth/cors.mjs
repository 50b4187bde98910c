// For a Better Auth server on another origin than the pages: Better Auth itself answers no CORS. Wraps the handler
// that `toNodeHandler` makes:
//
//   createServer(allowing(["https://docs.example.org"], toNodeHandler(auth)));
//
// The same origins go into `trustedOrigins`. Node 20 or newer, no packages.
const METHODS = "GET, POST";
const REQUEST_HEADERS = "Authorization, Content-Type";
// The `bearer` plugin tells its token so, and the `jwt` plugin its own.
const EXPOSED = "Set-Auth-Token, Set-Auth-Jwt, X-Retry-After";
const REMEMBERED_S = "600";

export function allowing(origins, handler) {
  return (request, response) => {
    response.setHeader("Vary", "Origin");
    const { origin } = request.headers;
    // Never `*`, and never any origin that asks: the answers are about a reader's session.
    if (origins.includes(origin)) {
      response.setHeader("Access-Control-Allow-Origin", origin);
      response.setHeader("Access-Control-Allow-Credentials", "true");
      response.setHeader("Access-Control-Expose-Headers", EXPOSED);
    }
    if (request.method !== "OPTIONS") return handler(request, response);
    response.setHeader("Access-Control-Allow-Methods", METHODS);
    response.setHeader("Access-Control-Allow-Headers", REQUEST_HEADERS);
    response.setHeader("Access-Control-Max-Age", REMEMBERED_S);
    return response.writeHead(204).end();
  };
}
