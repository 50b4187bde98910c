"""What a running broker holds. `create_app` fills it; endpoints and logins are handed it."""

from collections.abc import Callable
from dataclasses import dataclass

from broker.accounts import Accounts
from broker.codes import Codes
from broker.config import BrokerConfig
from broker.cookies import Jar
from broker.issuing import Mint
from broker.keys import Keys
from broker.passwords import Passwords
from broker.proofs import ProofCheck
from broker.rates import SignInRates
from broker.refresh import Families, RefreshTokens
from broker.sessions import Sessions
from tokens.verify import Verifier


@dataclass(frozen=True, slots=True)
class Broker:
    """`now` is seconds since the epoch."""

    config: BrokerConfig
    accounts: Accounts
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
    jar: Jar
    now: Callable[[], float]
