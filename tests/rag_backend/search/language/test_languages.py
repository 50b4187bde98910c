import pytest

from rag_backend.answers import sentences
from rag_backend.search.language import languages

JAPANESE = "サーバーは既定でポート8080を使います。設定ファイルで変更できます。"


@pytest.mark.parametrize(
    ("text", "locale", "language"),
    [
        ("服务器默认监听端口 8080。可以在配置文件中修改。", "en", "zh"),
        ("运行 npm run build 之后，把 build 文件夹复制到服务器上。", "en", "zh"),
        ("按「カタカナ」这个键，然后选择输入法，再按一次就会切换回来。", "en", "zh"),
        (JAPANESE, "en", "ja"),
        (JAPANESE, "zh-Hans", "ja"),
        ("設定変更", "ja", "ja"),
        ("設定変更", "en", "zh"),
        ("เซิร์ฟเวอร์ใช้พอร์ต 8080 โดยค่าเริ่มต้น", "en", "th"),
        ("서버는 기본으로 포트 8080을 사용합니다.", "en", "ko"),
        ("The word 你好 is a greeting that readers of the book know.", "en", "en"),
        ("", "fr", "fr"),
        ("npm run build", "en", "en"),
    ],
)
def test_a_script_without_stop_words_tells_its_language(text, locale, language):
    assert languages.of(text, locale) == language


def test_a_selection_in_chinese_has_sentences_in_chinese_around_it():
    assert sentences.of_text("服务器默认监听端口 8080。") is sentences.of("zh")
    assert sentences.of_text(JAPANESE) is sentences.of("ja")
