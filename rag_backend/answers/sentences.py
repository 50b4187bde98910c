"""The sentences that stand around quotations, in the languages of books."""

from dataclasses import dataclass
from typing import Final

from rag_backend.search.language import languages


@dataclass(frozen=True, slots=True)
class Sentences:
    """`nothing` and `not_in_selection` are whole answers; `from_book` and `from_selection` close one;
    `beginning` opens one, and `needs_model` follows it."""

    nothing: str
    from_book: str
    not_in_selection: str
    from_selection: str
    beginning: str
    needs_model: str


ENGLISH: Final = Sentences(
    "The book does not answer this, as far as its search can tell.",
    "This is quoted from the book as it stands; no language model is set up here.",
    "The selected text does not answer this.",
    "This is quoted from the selected text; no language model is set up here.",
    "The selected text begins:",
    "This task needs a language model, and none is set up here.",
)
_OTHERS: Final = {
    "de": Sentences(
        "Das Buch beantwortet das nicht, soweit seine Suche es erkennt.",
        "Dies ist wörtlich aus dem Buch zitiert; ein Sprachmodell ist hier nicht eingerichtet.",
        "Der ausgewählte Text beantwortet das nicht.",
        "Dies ist aus dem ausgewählten Text zitiert; ein Sprachmodell ist hier nicht eingerichtet.",
        "Der ausgewählte Text beginnt so:",
        "Diese Aufgabe braucht ein Sprachmodell, und hier ist keines eingerichtet.",
    ),
    "fr": Sentences(
        "Le livre ne répond pas à cette question, d'après sa recherche.",
        "Ceci est cité du livre tel quel ; aucun modèle de langage n'est configuré ici.",
        "Le texte sélectionné ne répond pas à cette question.",
        "Ceci est cité du texte sélectionné ; aucun modèle de langage n'est configuré ici.",
        "Le texte sélectionné commence ainsi :",
        "Cette tâche demande un modèle de langage, et aucun n'est configuré ici.",
    ),
    "es": Sentences(
        "El libro no responde a esto, según su búsqueda.",
        "Esto es una cita literal del libro; aquí no hay ningún modelo de lenguaje configurado.",
        "El texto seleccionado no responde a esto.",
        "Esto es una cita del texto seleccionado; aquí no hay ningún modelo de lenguaje configurado.",
        "El texto seleccionado empieza así:",
        "Esta tarea necesita un modelo de lenguaje, y aquí no hay ninguno configurado.",
    ),
    "pt": Sentences(
        "O livro não responde a isto, segundo a sua pesquisa.",
        "Isto é uma citação literal do livro; nenhum modelo de linguagem está configurado aqui.",
        "O texto selecionado não responde a isto.",
        "Isto é uma citação do texto selecionado; nenhum modelo de linguagem está configurado aqui.",
        "O texto selecionado começa assim:",
        "Esta tarefa precisa de um modelo de linguagem, e nenhum está configurado aqui.",
    ),
    "ru": Sentences(
        "Насколько может судить поиск, в книге нет ответа на этот вопрос.",
        "Это дословная цитата из книги; языковая модель здесь не настроена.",
        "В выделенном тексте нет ответа на этот вопрос.",
        "Это цитата из выделенного текста; языковая модель здесь не настроена.",
        "Выделенный текст начинается так:",
        "Для этой задачи нужна языковая модель, а здесь она не настроена.",
    ),
    "ar": Sentences(
        "لا يجيب الكتاب عن هذا السؤال، بحسب نتيجة البحث فيه.",
        "هذا اقتباس حرفي من الكتاب، ولا يوجد هنا نموذج لغوي.",
        "لا يجيب النص المحدد عن هذا السؤال.",
        "هذا اقتباس من النص المحدد، ولا يوجد هنا نموذج لغوي.",
        "يبدأ النص المحدد هكذا:",
        "تحتاج هذه المهمة إلى نموذج لغوي، ولا يوجد هنا نموذج.",
    ),
    "ur": Sentences(
        "تلاش کے مطابق کتاب میں اس سوال کا جواب نہیں ہے۔",
        "یہ کتاب سے لفظ بہ لفظ اقتباس ہے؛ یہاں کوئی لسانی ماڈل موجود نہیں ہے۔",
        "منتخب متن میں اس سوال کا جواب نہیں ہے۔",
        "یہ منتخب متن سے اقتباس ہے؛ یہاں کوئی لسانی ماڈل موجود نہیں ہے۔",
        "منتخب متن یوں شروع ہوتا ہے:",
        "اس کام کے لیے لسانی ماڈل درکار ہے، اور یہاں کوئی موجود نہیں ہے۔",
    ),
    "zh": Sentences(
        "根据搜索结果，本书没有回答这个问题。",
        "以上内容引自本书原文；这里没有配置语言模型。",
        "所选文字没有回答这个问题。",
        "以上内容引自所选文字；这里没有配置语言模型。",
        "所选文字的开头是：",
        "这项任务需要语言模型，而这里没有配置。",
    ),
    "ja": Sentences(
        "検索した限りでは、この本に答えはありません。",
        "これは本からの引用です。言語モデルは設定されていません。",
        "選択したテキストに答えはありません。",
        "これは選択したテキストからの引用です。言語モデルは設定されていません。",
        "選択したテキストの冒頭:",
        "この作業には言語モデルが必要ですが、設定されていません。",
    ),
}


def of(language: str) -> Sentences:
    """The sentences in a language, given by its two letters; in English where they are not translated."""
    return _OTHERS.get(language, ENGLISH)


def of_text(text: str) -> Sentences:
    return of(languages.of(text, languages.DEFAULT))
