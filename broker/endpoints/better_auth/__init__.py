"""The Better Auth HTTP API (facts of its 1.7): paths, bodies, codes and cookies as its client expects."""

from fastapi import APIRouter

from broker.endpoints.better_auth import account, sessions, sign_in, token
from broker.endpoints.better_auth.pipeline import mount
from broker.errors import BASE_PATH


def router() -> APIRouter:
    found = APIRouter(prefix=BASE_PATH, redirect_slashes=False)
    for family in (sign_in, sessions, account, token):
        for endpoint in family.ENDPOINTS:
            mount(found, endpoint)
    return found
