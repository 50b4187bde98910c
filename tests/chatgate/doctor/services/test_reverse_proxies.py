"""Each fault of a reverse proxy is named by its own code and by no other. Most show without an account."""

import pytest

pytestmark = pytest.mark.system

NGINX = {
    "strips Authorization": ({"proxy": 'proxy_set_header Authorization "";'}, "authorization_dropped"),
    "strips the proof for the broker": ({"broker": 'proxy_set_header DPoP "";'}, "dpop_dropped"),
    "strips the origin": ({"proxy": 'proxy_set_header Origin "";'}, "origin_dropped"),
    "hides the nonce": ({"broker": "proxy_hide_header DPoP-Nonce;"}, "answer_header_dropped"),
    "hides the challenge": ({"proxy": "proxy_hide_header WWW-Authenticate;"}, "answer_header_dropped"),
    "hides CORS": ({"proxy": "proxy_hide_header Access-Control-Allow-Origin;"}, "cors_stripped"),
    "adds CORS of its own": (
        {"proxy": "add_header Access-Control-Allow-Origin $http_origin always;"},
        "cors_twice",
    ),
    "exposes nothing": (
        {"broker": "proxy_hide_header Access-Control-Expose-Headers;"},
        "answer_header_hidden",
    ),
    "allows other headers": (
        {
            "proxy": "proxy_hide_header Access-Control-Allow-Headers;"
            "add_header Access-Control-Allow-Headers Content-Type;"
        },
        "request_header_refused",
    ),
    "answers OPTIONS itself": (
        {"proxy server": "if ($request_method = OPTIONS) { return 405; }"},
        "preflight_blocked",
    ),
    "asks for a password": (
        {"proxy server": "location = /chat { limit_except OPTIONS { deny all; } proxy_pass {proxy}; }"},
        "service_foreign",
    ),
    "takes small bodies": ({"proxy": "client_max_body_size 64k;"}, "body_limit_low"),
    "takes small headers": ({"proxy server": "large_client_header_buffers 4 2k;"}, "header_limit_low"),
    "keeps .well-known": (
        {"broker server": "location /.well-known/ { return 404; }"},
        "metadata_blocked",
    ),
    "keeps the keys": (
        {"broker server": "location = /.well-known/jwks.json { return 404; }"},
        "jwks_unusable",
    ),
    "keeps the sign-in page": (
        {"broker server": "location /login { return 404; }"},
        "sign_in_failed",
    ),
    "adds to the path": ({"proxy": "proxy_pass {proxy}/v1/;"}, "path_changed"),
    "redirects": ({"proxy server": "return 301 https://chat.example.org$request_uri;"}, "service_redirects"),
    "has no upstream": ({"proxy": "proxy_pass http://127.0.0.1:1;"}, "service_unreachable"),
    "serves something else": ({"broker server": 'return 200 "hello";'}, "service_foreign"),
}
CADDY = {
    "strips Authorization": ({"proxy": "\t\theader_up -Authorization"}, "authorization_dropped"),
    "strips CORS": ({"broker": "\t\theader_down -Access-Control-Allow-Origin"}, "cors_stripped"),
    "takes small bodies": (
        {"proxy server": "\trequest_body {\n\t\tmax_size 64KB\n\t}"},
        "body_limit_low",
    ),
    "rewrites the path": ({"broker server": "\trewrite * /auth{uri}"}, "path_changed"),
    "has a clock that is an hour late": (
        {"proxy": '\t\theader_down Date "Thu, 01 Jan 2026 00:00:00 GMT"'},
        "clock_off",
    ),
}
TRAEFIK = {
    "strips Authorization": (
        {"proxy": '{headers: {customRequestHeaders: {Authorization: ""}}}'},
        "authorization_dropped",
    ),
    "strips the challenge": (
        {"proxy": '{headers: {customResponseHeaders: {WWW-Authenticate: ""}}}'},
        "answer_header_dropped",
    ),
    "takes small bodies": ({"proxy": "{buffering: {maxRequestBodyBytes: 65536}}"}, "body_limit_low"),
    "rewrites the path": ({"proxy": "{addPrefix: {prefix: /v1}}"}, "path_changed"),
    "has a clock that is off": (
        {"broker": '{headers: {customResponseHeaders: {Date: "Thu, 01 Jan 2026 00:00:00 GMT"}}}'},
        "clock_off",
    ),
}
FAULTS = [
    pytest.param(server, added, code, id=f"{server} {name}")
    for server, table in (("nginx", NGINX), ("caddy", CADDY), ("traefik", TRAEFIK))
    for name, (added, code) in table.items()
]


@pytest.mark.parametrize(("server", "added", "code"), FAULTS)
def test_a_fault_on_the_way_is_named(server, added, code, deployment):
    with deployment.behind(server, added):
        finding = deployment.only(code)
    [way] = {name.removesuffix(" server") for name in added}
    assert ("chat proxy" if way == "proxy" else "broker") in finding["what"] + finding["mend"]
