"""What is being typed at the end of a line."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.shell.ast import SimpleCommand
from engine.shell.editor.partial import Partial, expanded, partial, quoted_as, unquoted
from engine.shell.expansion import Expander
from engine.shell.parser import parse
from engine.shell.state import State


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Partial("command", "", [])),
        ("l", Partial("command", "l", [])),
        ("ls ", Partial("argument", "", ["ls"])),
        ("ls -l fi", Partial("argument", "fi", ["ls", "-l"])),
        ("a; b | c d && e", Partial("command", "e", [])),
        ("a\nb c", Partial("argument", "c", ["b"])),
        ("A=1 l", Partial("command", "l", [])),
        ("A=fi", Partial("argument", "fi", [])),
        ("A='fi", Partial("argument", "'fi", [])),
        ("ls A=fi", Partial("argument", "A=fi", ["ls"])),
        ("A=1 ls x", Partial("argument", "x", ["ls"])),
        ("cat <f", Partial("argument", "f", ["cat"])),
        (">f", Partial("argument", "f", [])),
        ("> 'f", Partial("argument", "'f", [])),
        (">f l", Partial("command", "l", [])),
        ("'l", Partial("command", "'l", [])),
        ("echo $(ls x", Partial("argument", "x", ["ls"])),
        ("echo $(l", Partial("command", "l", [])),
        ("echo $(ls -l) x", Partial("argument", "x", ["echo"])),
        ("(l", Partial("command", "l", [])),
        ("{ l", Partial("command", "l", [])),
        ("! l", Partial("command", "l", [])),
        ("ls 'my fi", Partial("argument", "'my fi", ["ls"])),
        ('ls "my fi', Partial("argument", '"my fi', ["ls"])),
        ("ls my\\ fi", Partial("argument", "my\\ fi", ["ls"])),
        ("'l s' x", Partial("argument", "x", ["l s"])),
        ("echo $HO", Partial("variable", "$HO", [])),
        ("echo $", Partial("variable", "$", [])),
        ("echo ${HO", Partial("variable", "${HO", [])),
        ('echo "a $HO', Partial("variable", "$HO", [])),
        ("echo '$HO", Partial("argument", "'$HO", ["echo"])),
        ("echo $HOME/fi", Partial("argument", "$HOME/fi", ["echo"])),
        ("echo # co", None),
    ],
)
def test_the_word_and_its_command_are_known(text: str, expected: Partial | None) -> None:
    assert partial(text) == expected


@given(st.text(alphabet=st.sampled_from("ab '\"\\$`(){};&|<>\n#!=:-/~\t"), max_size=30))
def test_any_text_has_a_word_at_its_end_or_none(text: str) -> None:
    found = partial(text)
    assert found is None or text.endswith(found.raw)


names = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cc"]), min_size=1)


@given(names, st.sampled_from(["", "'", '"']))
def test_a_name_put_into_any_quotes_says_the_same(name: str, quote: str) -> None:
    typed = quote + quoted_as(name, quote)
    if not name.startswith("~"):
        assert unquoted(typed) == (name, quote)
    [script] = parse("echo " + typed + quote)
    state = State(dict(os.environ))
    state.options.add("noglob")
    command = script.statements[0].body.pipelines[0].commands[0]
    assert isinstance(command, SimpleCommand)
    assert Expander(state, lambda scripts: "").words(command.words) == ["echo", name]


def test_a_path_is_expanded_without_running_anything() -> None:
    state = State({"HOME": "/home/me", "D": "/da ta"})
    assert expanded(state, "~/x") == "/home/me/x"
    assert expanded(state, "~") == "/home/me"
    assert expanded(state, "'~/x") == "~/x"
    assert expanded(state, "$D/a\\ b/") == "/da ta/a b/"
    assert expanded(state, '"${D}/x') == "/da ta/x"
    assert expanded(state, "'$D'") == "$D"
    assert expanded(state, "~root") == os.path.expanduser("~root")
