"""The notation of rules."""

import pytest

from sonicmini.modules.gen.rules import RULES, Rule


@pytest.mark.parametrize(
    ("action", "keeps", "ancestors", "descendants"),
    [
        ("keep", True, "none", "none"),
        ("drop", False, "none", "none"),
        ("+keep", True, "first", "none"),
        ("++keep", True, "all", "none"),
        ("keep+", True, "none", "first"),
        ("keep++", True, "none", "all"),
        ("+keep++", True, "first", "all"),
        ("drop+", False, "none", "first"),
    ],
)
def test_notation(action, keeps, ancestors, descendants):
    rule = Rule(action, lambda p: p.pt > 0)
    assert (rule.keeps, rule.ancestors, rule.descendants) == (keeps, ancestors, descendants)


@pytest.mark.parametrize("action", ["hold", "", "ke+ep", "+++keep", "keep+++", "keep +"])
def test_other_notation_is_refused(action):
    with pytest.raises(ValueError, match="is no action"):
        Rule(action, lambda p: p.pt > 0)


def test_table_begins_by_dropping_everything():
    assert not RULES[0].keeps
    assert len(RULES) == 25
