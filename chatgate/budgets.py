"""The budgets of a configuration at each site, and those that look like a mistake."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chat_proxy.admission.places import Spend
from chat_proxy.config import MILLION, Backend, Limits, ProxyConfig
from chat_proxy.questions.messages import Mode, Question
from chat_proxy.usage import spending
from edge.config.schema import Settings


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits that are in force at `site`. `key` is the table that sets them, and `whose` says for whom;
    `is_used` is False for a tier that only an account's own choice brings to the site."""

    site: str
    key: str
    whose: str
    limits: Limits
    is_used: bool = True


def of(settings: Settings, config: ProxyConfig) -> Iterator[Budget]:
    """The budgets of each site: its own, those of its tiers, and those of other tiers that have one."""
    for name, site in settings.sites.items():
        yield Budget(name, f"sites.{name}", "all readers", config.sites[name].limits)
        used = dict.fromkeys((site.tier, *([site.guest_tier] if site.guests else [])))
        for tier in dict.fromkeys((*used, *config.tiers)):
            limits = config.tiers[tier]
            if tier in used or _bounds(limits):
                yield Budget(name, f"tiers.{tier}", f"one of tier {tier}", limits, tier in used)


def least(backend: Backend) -> Spend:
    """The tokens and the cost that the shortest question to the backend reserves of a budget."""
    modes: list[Mode] = ["normal", "selection_only"] if backend.answers_selections else ["normal"]
    return min((_reserved(backend, mode) for mode in modes), key=lambda spend: spend.tokens_in)


def remarks(settings: Settings, config: ProxyConfig) -> list[str]:
    """A line for each budget that no question fits into, that counts nothing, or that is missing where
    tokens cost money."""
    budgets = list(of(settings, config))
    found = [
        *_too_small(budgets, config),
        *_without_prices(budgets, config),
        *_without_bounds(budgets, config),
    ]
    # Sites that share a tier and a backend share the remark.
    return list(dict.fromkeys(found))


def money(millionths: int) -> str:
    """An amount in the operator's currency."""
    return f"{millionths / MILLION:,.6f}".rstrip("0").rstrip(".")


def _reserved(backend: Backend, mode: Mode) -> Spend:
    selected = "x" if mode == "selection_only" else None
    return spending.reserved(backend, Question("x", mode, None, selected), history=0)


def _too_small(budgets: list[Budget], config: ProxyConfig) -> Iterator[str]:
    for budget in budgets:
        for name, backend in config.sites[budget.site].backends.items():
            spend = least(backend)
            taken = spend.tokens_in + spend.tokens_out
            fault = f"no question to backends.{name} fits into it: the shortest reserves"
            if 0 < budget.limits.daily_tokens < taken:
                yield f"{budget.key}.daily_tokens: {fault} {taken:,} tokens. Raise it, or lower max_tokens."
            if 0 < budget.limits.daily_cost < spend.cost:
                yield f"{budget.key}.daily_cost: {fault} {money(spend.cost)}. Raise it, or lower max_tokens."


def _without_prices(budgets: list[Budget], config: ProxyConfig) -> Iterator[str]:
    """A cost is counted by prices: a budget of money that no backend has a price for lets everything pass."""
    asked: dict[str, Mapping[str, Backend]] = {}
    for budget in budgets:
        if budget.limits.daily_cost:
            asked[budget.key] = {**asked.get(budget.key, {}), **config.sites[budget.site].backends}
    for key, backends in asked.items():
        if not any(map(_has_price, backends.values())):
            named = " and ".join(f"backends.{name}" for name in backends)
            yield f"{key}.daily_cost: counts nothing, as {named} has no price. Set price_in and price_out."


def _without_bounds(budgets: list[Budget], config: ProxyConfig) -> Iterator[str]:
    """An operator who names a price pays by the token: if neither tokens nor money have a limit, only the
    number of questions bounds the bill."""
    bounded = {one.site for one in budgets if one.key == f"sites.{one.site}" and _bounds(one.limits)}
    for budget in budgets:
        if budget.site in bounded or not budget.is_used or _bounds(budget.limits):
            continue
        priced = [name for name, one in config.sites[budget.site].backends.items() if _has_price(one)]
        if priced and budget.key != f"sites.{budget.site}":
            yield (
                f"backends.{priced[0]}: has a price, and {budget.key} has no budget at sites.{budget.site}. "
                "Set daily_cost or daily_tokens for either."
            )


def _bounds(limits: Limits) -> bool:
    return bool(limits.daily_tokens or limits.daily_cost)


def _has_price(backend: Backend) -> bool:
    return bool(backend.price_in or backend.price_out)
