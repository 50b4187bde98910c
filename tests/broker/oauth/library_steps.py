"""The steps that OAuth client libraries tell, and what each has to give."""

from typing import Any

URN = "urn:ietf:params:oauth"


TOKENS = "chat history, with a refresh token"


ACTIVE = "active"


INACTIVE = {"active": False}


DONE = None


NO_ANSWER = "OAUTH_INVALID_RESPONSE"


OTHER_VALUE = "OAUTH_JWT_CLAIM_COMPARISON_FAILED"


def refused(error: str, parameter: str) -> list[Any]:
    """As RFC 6749 5.2 has it: the libraries' class of it, its code, and the parameter it is about."""
    return ["ResponseBodyError", 401 if error == "invalid_client" else 400, error, parameter]


def sent_back(error: str, parameter: str | None) -> list[Any]:
    """An error that the site is told in its address (RFC 6749 4.1.2.1)."""
    return ["AuthorizationResponseError", None, error, parameter]


def challenged(**parameters: str) -> list[Any]:
    return ["WWWAuthenticateChallengeError", 401, [{"scheme": "basic", "parameters": parameters}]]


NO_CALLER = challenged(realm="introspection", charset="UTF-8")


STEPS: dict[str, Any] = {
    "discovery": "metadata",
    "discovery of another issuer": "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED",
    "key": "key",
    "answer": ["code", "state", "iss"],
    "answer to another request": [NO_ANSWER, 'unexpected "state" response parameter value'],
    "answer of another issuer": [NO_ANSWER, 'unexpected "iss" (issuer) response parameter value'],
    "answer of no issuer": [NO_ANSWER, 'response parameter "iss" (issuer) missing'],
    "code": TOKENS,
    "code again": refused("invalid_grant", "code"),
    "refresh of what the code gave": refused("invalid_grant", "refresh_token"),
    "code, wrong verifier": refused("invalid_grant", "code_verifier"),
    "code for one scope": "chat, with a refresh token",
    "refresh beyond the scope": refused("invalid_scope", "scope"),
    "code anew": TOKENS,
    "refresh": TOKENS,
    "exchange": "chat",
    "exchange beyond the scope": refused("invalid_scope", "scope"),
    "exchange for another audience": refused("invalid_target", "resource"),
    "exchange of what is unknown": refused("invalid_request", "subject_token"),
    "unknown grant": refused("unsupported_grant_type", "grant_type"),
    "introspection by Basic": ACTIVE,
    "introspection by form": ACTIVE,
    "introspection, signed": ACTIVE,
    "introspection, signed with another alg": [NO_ANSWER, 'unexpected JWT "alg" header parameter'],
    "introspection of a refresh token": INACTIVE,
    "introspection of what is unknown": INACTIVE,
    "introspection by Basic, wrong secret": NO_CALLER,
    "introspection by form, wrong secret": NO_CALLER,
    "introspection, no secret": NO_CALLER,
    "revocation": DONE,
    "introspection of the revoked": INACTIVE,
    "introspection of what was narrowed from it": INACTIVE,
    "revocation of what is unknown": DONE,
    "revocation by an unknown site": refused("invalid_client", "client_id"),
    "revocation with a secret": challenged(realm="oauth2"),
    "refresh after revocation": TOKENS,
    "revocation of a refresh token": DONE,
    "refresh of the revoked": refused("invalid_grant", "refresh_token"),
    "introspection of its access token": INACTIVE,
    "the reader would rather not": sent_back("access_denied", None),
    "authorization beyond the scopes": sent_back("invalid_scope", "scope"),
    "authorization for another audience": sent_back("invalid_target", "resource"),
    "authorization without S256": sent_back("invalid_request", "code_challenge_method"),
    "authorization for a token": sent_back("unsupported_response_type", "response_type"),
}


# The steps that only a client with a DPoP key takes.
BOUND_STEPS: dict[str, Any] = {
    "code, another key": refused("invalid_grant", "code"),
    "code, no key": refused("invalid_grant", "code"),
    "refresh, another key": refused("invalid_grant", "refresh_token"),
    "refresh, no key": refused("invalid_grant", "refresh_token"),
}


OTHER_KEY = {"code, another key", "refresh, another key"}


NO_KEY = {"code, no key", "refresh, no key"}


# Refused before the proof is looked at, so that no nonce is given out either.
BEFORE_PROOF = {"exchange for another audience", "unknown grant"}


NO_JWT = [NO_ANSWER, "Invalid JWT"]


OTHER_TYPE = [NO_ANSWER, 'unexpected JWT "typ" header parameter value']


NO_JOSE_JWT = ["ERR_JWS_INVALID", "Invalid Compact JWS"]


OTHER_JOSE_TYPE = ["ERR_JWT_CLAIM_VALIDATION_FAILED", 'unexpected "typ" JWT header value']


RESOURCE_SERVER = {
    "a proof of ES256": {"errors": ["use_dpop_nonce"], "type": "DPoP", "isBound": True},
    "a proof of Ed25519": {"errors": ["use_dpop_nonce"], "type": "DPoP", "isBound": True},
    "a proof of RS256": {"errors": ["invalid_dpop_proof"] * 2, "type": None, "isBound": None},
    "access token": "claims: chat history",
    "access token, narrowed": "claims: chat",
    "access token of a session": "claims: chat history",
    "bound access token, ES256": "claims: chat history, bound",
    "bound access token, Ed25519": "claims: chat history, bound",
    "bound access token as bearer": [
        NO_ANSWER,
        "operation indicated DPoP use but the request has no DPoP HTTP Header",
    ],
    "bound access token, another key": [OTHER_VALUE, "JWT Access Token confirmation mismatch"],
    "bound access token, another address": [OTHER_VALUE, "DPoP Proof htu mismatch"],
    "access token where a bound one is needed": [NO_ANSWER, 'JWT "cnf" (confirmation) claim missing'],
    "access token, another audience": [OTHER_VALUE, 'unexpected JWT "aud" (audience) claim value'],
    "refresh token": NO_JWT,
    "code": NO_JWT,
    "session token": NO_JWT,
    "signed session token": NO_JWT,
    "introspection answer": OTHER_TYPE,
    "DPoP proof": OTHER_TYPE,
    "internal JWT": [NO_ANSWER, 'unexpected JWT "alg" header parameter'],
    "jose": "claims: chat history",
    "jose, another audience": ["ERR_JWT_CLAIM_VALIDATION_FAILED", 'unexpected "aud" claim value'],
    "jose, another issuer": ["ERR_JWT_CLAIM_VALIDATION_FAILED", 'unexpected "iss" claim value'],
    "jose, another type": OTHER_JOSE_TYPE,
    "jose, later": ["ERR_JWT_EXPIRED", '"exp" claim timestamp check failed'],
    "jose, changed": ["ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "signature verification failed"],
    "jose, refresh token": NO_JOSE_JWT,
    "jose, code": NO_JOSE_JWT,
    "jose, session token": NO_JOSE_JWT,
    "jose, signed session token": NO_JOSE_JWT,
    "jose, introspection answer": OTHER_JOSE_TYPE,
    "jose, DPoP proof": "no key of ours",
    "jose, internal JWT": ["ERR_JOSE_NOT_SUPPORTED", 'Unsupported "alg" value for a JSON Web Key Set'],
}
