"""Requests that are no questions: what a text is about as a whole, and tasks to be done with it."""

import re
from typing import Final

MAX_REQUEST: Final = 200
"""Characters of a message that is looked at: a long one says more than its verb."""

_TASKS: Final = re.compile(
    r"\b(?:summar(?:i[sz]e|y)|tl;?dr|translat\w*|paraphras\w*|rephras\w*|rewrit\w*|simplif\w*|shorten|outline"
    r"|(?:list|extract|number) (?:the|all|its) (?:\w+ )?(?:steps|points|facts|items|ideas)|key points"
    r"|bullet points"
    r"|explain (?:this|it)\b|zusammenfass\w*|fasse?\b.*\bzusammen|übersetz\w*|vereinfach\w*|umformulier\w*"
    r"|résum\w*|tradui\w*|reformul\w*|simplifi\w*|resum\w*|traduc\w*|traduz\w*|explica esto"
    r"|переве\w*|кратко|резюм\w*|изложи\w*|لخص\w*|تلخيص|ترجم\w*|اشرح|خلاصہ|ترجمہ|وضاحت)"
    r"|总结|概括|翻译|解释|要約|翻訳|まとめ|説明して",
    re.IGNORECASE,
)
_ABOUT: Final = re.compile(
    r"^\W*(?:(?:what|who)(?:'s| is| are|s| does| do)? "
    r"(?:(?:this|these|it)|(?:the|this|your|that) "
    r"(?:whole )?(?:book|site|website|page|guide|manual|handbook|documentation|docs|tutorial|project))"
    r" (?:all )?(?:about|for|cover|contain|teach|describe)s?(?: exactly)?"
    r"|what is this(?: book| site| guide| page| documentation| manual)?"
    r"|(?:give me |an? )*(?:overview|introduction)"
    r"|(?:tell me )?about this (?:book|site|guide|documentation|manual)"
    r"|worum geht es(?: hier| in .+)?|wovon handelt .+|de quoi (?:parle|s'agit|traite).*"
    r"|de qu[eé] (?:trata|va).*"
    r"|do que (?:trata|fala).*|о ч[её]м .*|(?:عن ماذا|ما موضوع|عم يتحدث).*|.*کس بارے میں.*"
    r"|.*(?:讲什么|关于什么|是什么内容|介绍什么)|.*(?:何について|どんな本|どういう内容).*|.*เกี่ยวกับอะไร)\W*$",
    re.IGNORECASE,
)


def is_task(message: str) -> bool:
    """Return True for what only a language model can do with a text, such as to summarise it."""
    return _TASKS.search(message[:MAX_REQUEST]) is not None


def is_about_all(message: str) -> bool:
    """Return True for "What is this about?" in one of the languages of books."""
    return len(message) <= MAX_REQUEST and _ABOUT.match(message) is not None
