"""Requests that are no questions: what a text is about as a whole, and tasks to be done with it."""

import re
from typing import Final

MAX_REQUEST: Final = 200
"""Characters of a message that is looked at: a long one says more than its verb."""

_TASKS: Final = re.compile(
    r"\b(?:summar(?:i[sz]e|y)|tl;?dr|translat\w*|paraphras\w*|rephras\w*|rewrit\w*|simplif\w*|shorten|outline"
    r"|sum(?: \w+){0,2} up\b|condense|recap|the gist|eli5|in (?:plain|simple|simpler) (?:english|words|terms)"
    r"|make (?:it|this|that) (?:shorter|simpler)|(?:give|write|make)\b.* overview"
    r"|(?:list|extract|number|enumerate|give me) (?:(?:out|all|of|the|its|me) )*(?:\w+ )?"
    r"(?:steps|points|facts|items|ideas)|(?:key|main) (?:points|ideas)|bullet points"
    r"|explain (?:this|it|like)\b"
    r"|zusammenfass\w*|fass(?:e|t)?\b.*\bzusammen|übersetz\w*|vereinfach\w*|umformulier\w*"
    r"|(?:liste|zähle?|nenne) .*(?:schritte|punkte)|erklär(?:e|st)? (?:das|mir|dies)"
    r"|résum\w*|tradui\w*|reformul\w*|simplifi\w*|(?:liste|énumère|donne)[rz]? (?:\w+ )*(?:étapes|points)"
    r"|expliqu\w+ (?:ce|cet|cette|ça|moi)\b"
    r"|resum\w*|traduc\w*|traduz\w*|explica (?:esto|este|esta)|expliqu\w* (?:isto|este|esta)"
    r"|(?:enumera|lista|liste|enumere)\w* (?:los|os|todos) (?:\w+ )?(?:pasos|passos|puntos|pontos)"
    r"|переве\w*|перескаж\w*|кратко|краткое|резюм\w*|изложи\w*|перечисл\w* (?:\w+ )?(?:шаги|пункты)"
    r"|объясни\w*"
    r"|لخص\w*|تلخيص|ترجم\w*|اشرح|(?:اذكر|عدد|عدّد) (?:\w+ )?الخطوات|خلاصہ|ترجمہ|وضاحت|کی فہرست بنا\w*)"
    r"|总结|總結|概括|简述|翻译|翻譯|翻成|译成|译为|解释|列出.*(?:步骤|要点)|要点"
    r"|要約|翻訳|に訳し|まとめ|説明して|(?:手順|要点)を(?:列挙|一覧|リスト)|箇条書き",
    re.IGNORECASE,
)
# A question about something that is translated or listed is none: its verb is not what is asked for.
_QUESTION: Final = re.compile(
    r"\W*(?:how (?:do|does|can|are|is|many|much|long)|where|why|when|which|who|what do(?:es)?)\b",
    re.IGNORECASE,
)
_ABOUT: Final = re.compile(
    r"^\W*(?:(?:what|who)(?:'s| is| are|s| does| do)? "
    r"(?:(?:this|these|it)|(?:the|this|your|that) "
    r"(?:whole )?(?:book|site|website|page|guide|manual|handbook|documentation|docs|tutorial|project))"
    r" (?:all )?(?:about|for|cover|contain|teach|describe)s?(?: exactly)?"
    r"|(?:so )?what is (?:all )?this(?: all)? about"
    r"|what is this(?: book| site| guide| page| documentation| manual)?"
    r"|(?:give me |an? )*(?:overview|introduction)"
    r"|(?:tell me )?about this (?:book|site|guide|documentation|manual|project)"
    r"|(?:worum|um was) geht es(?: hier| in .+)?|wovon handelt .+|was ist das(?: hier)?"
    r"|de quoi (?:ça |est-ce que ça )?(?:parle|s'agit|traite).*|c'est quoi(?: ce \w+)?"
    r"|de qu[eé] (?:se )?(?:trata|va).*|qu[eé] es esto"
    r"|do que (?:se )?(?:trata|fala).*|o que é isto|о ч[её]м .*|(?:عن ماذا|ما موضوع|عم يتحدث).*"
    r"|ما هذا(?: الكتاب)?|.*کس بارے میں.*"
    r"|.*(?:讲什么|关于什么的?|是什么内容|介绍什么)|这是什么|.*(?:何について|どんな本|どういう内容).*|これは何ですか|.*เกี่ยวกับอะไร)\W*$",
    re.IGNORECASE,
)


def is_task(message: str) -> bool:
    """Return True for what only a language model can do with a text, such as to summarise it."""
    return _TASKS.search(message[:MAX_REQUEST]) is not None and _QUESTION.match(message) is None


def is_about_all(message: str) -> bool:
    """Return True for "What is this about?" in one of the languages of books."""
    return len(message) <= MAX_REQUEST and _ABOUT.match(message) is not None
