"""Tests of `rag_backend.answers`. test_quoting tests `answer`, `parts`, `questions`, `sentences` and `tasks`,
test_model and test_model_answers `chunks`, `model_failures`, `prompts`, `source_numbers`, `thoughts` and
`visible_text`, and test_model_silence `responses`."""
