"""The parts of a running broker. `create_app` makes them; endpoints and logins receive them."""

from collections.abc import Callable
from dataclasses import dataclass

from broker.accounts.accounts import Accounts, Readers
from broker.accounts.passwords import Passwords
from broker.config import BrokerConfig
from broker.limits import SignInRates
from broker.oauth.codes import Codes
from broker.oauth.mint import Mint
from broker.oauth.proofs import ProofCheck
from broker.oauth.refresh import Families, RefreshTokens
from broker.sessions.cookies import Jar
from broker.sessions.session import Sessions
from broker.signing.keyring import Keys
from broker.upstreams.upstreams import Upstreams
from edge.http.refused_bodies import RefusedBodies
from tokens.verify import Verifier


@dataclass(frozen=True, slots=True)
class Broker:
    """`now` is seconds since the epoch."""

    config: BrokerConfig
    accounts: Accounts
    readers: Readers
    passwords: Passwords
    sessions: Sessions
    keys: Keys
    verifier: Verifier
    mint: Mint
    codes: Codes
    families: Families
    refresh_tokens: RefreshTokens
    proof_check: ProofCheck
    rates: SignInRates
    refused_bodies: RefusedBodies
    jar: Jar
    upstreams: Upstreams
    now: Callable[[], float]
