"""The examples of docs/manipulation.md."""
from doc_examples import Page

PAGE = Page("manipulation.md")


def test_every_example_answers_as_it_says(t):
    assert len(PAGE.endpoints) >= 10
    PAGE.answer(t)


def test_nothing_is_wrong_with_the_examples(t):
    PAGE.check()
