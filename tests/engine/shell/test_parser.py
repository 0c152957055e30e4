"""What is a command, what it is made of, and what is said when it is none."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.shell.ast import (
    AndOr,
    Arithmetic,
    CommandSubstitution,
    Group,
    Literal,
    Parameter,
    Pipeline,
    Redirection,
    Script,
    SimpleCommand,
    Span,
    Word,
)
from engine.shell.faults import SyntaxFault
from engine.shell.parser import Parser, parse
from tests.engine.shell.work import calls

# --- the tree written out: «quoted», and what belongs together in the order of the tree ---


def shown(scripts: Sequence[Script]) -> str:
    return " ⏎ ".join("; ".join(_and_or(s.body) + " &" * s.background for s in script.statements) for script in scripts)


def _and_or(node: AndOr) -> str:
    rest = zip(node.operators, node.pipelines[1:], strict=True)
    return _pipeline(node.pipelines[0]) + "".join(f" {operator} {_pipeline(pipeline)}" for operator, pipeline in rest)


def _pipeline(node: Pipeline) -> str:
    return "! " * node.negated + " | ".join(_command(command) for command in node.commands)


def _command(node: SimpleCommand | Group) -> str:
    redirections = [_redirection(redirection) for redirection in node.redirections]
    if isinstance(node, Group):
        inner = shown(node.script)
        return " ".join([f"( {inner} )" if node.subshell else f"{{ {inner} }}", *redirections])
    assignments = [f"{a.name}{'+' * a.append}={word(a.value)}" for a in node.assignments]
    return " ".join([*assignments, *map(word, node.words), *redirections])


def _redirection(node: Redirection) -> str:
    body = "" if node.body is None else f"[{word(node.body)}]"
    return f"{'' if node.fd is None else node.fd}{node.operator}{word(node.target)}{body}"


def word(node: Word) -> str:
    return "".join(map(_part, node.parts))


def _part(node: Literal | Parameter | CommandSubstitution | Arithmetic) -> str:
    if isinstance(node, Literal):
        return f"«{node.text}»" if node.quoted else node.text
    if isinstance(node, Parameter):
        subscript = f"[{node.subscript}]" if node.subscript else ""
        inner = (
            " ".join(["", node.operator, *(word(w) for w in (node.word, node.second) if w)]) if node.operator else ""
        )
        text = f"${{{node.name}{subscript}{inner}}}"
    elif isinstance(node, Arithmetic):
        text = f"$(({word(node.expression)}))"
    else:
        text = f"$({shown(node.script)})"
    return f"«{text}»" if node.quoted else text


def outcome(source: str, aliases: Mapping[str, str] | None = None) -> list[Script] | SyntaxFault:
    try:
        return parse(source, aliases=aliases)
    except SyntaxFault as fault:
        return fault


def fault_of(source: str, aliases: Mapping[str, str] | None = None) -> SyntaxFault:
    result = outcome(source, aliases)
    assert isinstance(result, SyntaxFault)
    return result


# --- commands ---


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("", ""),
        ("  # nothing\n\n", ""),
        ("ls -l", "ls -l"),
        ("a;b & c", "a; b &; c"),
        ("a\nb\n", "a ⏎ b"),
        ("a && b || c", "a && b || c"),
        ("a&&\n\n# why\nb", "a && b"),
        ("a |\nb", "a | b"),
        ("! a | b", "! a | b"),
        ("! ! a", "a"),
        ("a |& b", "a 2>&1 | b"),
        ("a >f |& b", "a >f 2>&1 | b"),
        ("(a; b) | { c; d; }", "( a; b ) | { c; d }"),
        ("{ a\nb & }", "{ a ⏎ b & }"),
        ("((a) ;b)", "( ( a ); b )"),
        ("(a) >f 2>&1", "( a ) >f 2>&1"),
        ("{ a; }<f;b", "{ a } <f; b"),
        ("A=1 B+='x y' cmd C=3", "A=1 B+=«x y» cmd C=3"),
        ("A= B=$x", "A= B=${x}"),
        ("'A'=1 A\\=1 1A=2", "«A»=1 A«=»1 1A=2"),
        ("echo if then } ! {", "echo if then } ! {"),
        ("i\\f 'if' {a,b} {a", "i«f» «if» {a,b} {a"),
        ("a#b #c", "a#b"),
        ("a \\\n b\\\nc", "a bc"),
        ("{ a; }\\\n>f", "{ a } >f"),
        ("a ~/b *.c {d,e} ?", "a ~/b *.c {d,e} ?"),
    ],
)
def test_commands(source: str, tree: str) -> None:
    assert shown(parse(source)) == tree


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("a <f>g", "a <f >g"),
        ("a 2>f 10<g", "a 2>f 10<g"),
        ("a 2 >f x2>g", "a 2 x2 >f >g"),
        (">f a", "a >f"),
        (">f", ">f"),
        ("a n>>f <>f >|f", "a n >>f <>f >|f"),
        ("a 2>&1>f 3<&- <&3", "a 2>&1 >f 3<&- <&3"),
        ("a >&f &>f &>>f", "a >&f &>f &>>f"),
        ("a &>f&", "a &>f &"),
        ("a <<<'x y'", "a <<<«x y»"),
        ("a <<E\n$x\nE\n", "a <<E[«${x}»«\n»]"),
        ("a <<'E' <<\\F\n$x\nE\n\\\nF", "a <<«E»[«$x\n»] <<«F»[«\\\n»]"),
        ("a <<A | b <<B; c\n1\nA\n2\nB\nd", "a <<A[«1\n»] | b <<B[«2\n»]; c ⏎ d"),
        ("a <<-E\n\t\tx\n\t y\n\tE\n", "a <<-E[«x\n y\n»]"),
        ("a <<E\nE", "a <<E[]"),
        ('a <<""\nx\n\nb', "a <<«»[«x\n»] ⏎ b"),
        ("a <<$x\n1\n$x\n", "a <<${x}[«1\n»]"),
        ('a <<E\n"x" \\$y \\z \\\\\nE\n', 'a <<E[«"x" $y \\z \\\n»]'),
        ("a <<E\nx\\\nE\nE\n", "a <<E[«xE\n»]"),
        ("b $(a <<E\nx\nE\n) c", "b $(a <<E[«x\n»]) c"),
        ("{ a <<E; }\nx\nE\n", "{ a <<E[«x\n»] }"),
        ("(a <<E\nx\nE\n)", "( a <<E[«x\n»] )"),
        ("a <<E && b\n`c`\n$(d)\nE\n", "a <<E[«$(c)»«\n»«$(d)»«\n»] && b"),
    ],
)
def test_redirections_and_here_documents(source: str, tree: str) -> None:
    assert shown(parse(source)) == tree


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("""'a"b' "c'd" e\\ f""", """«a"b» «c'd» e« »f"""),
        ('"" \'\' $""', "«» «» «»"),
        ("""'a'\\''b'""", "«a'b»"),
        (r'"\$ \` \" \\ \a"', '«$ ` " \\ \\a»'),
        ("'two\nlines'", "«two\nlines»"),
        ('"a\\\nb"', "«ab»"),
        (r"$'a\tb\'c\x41\101\u263a\e\cA\q'", "«a\tb'cAA☺\x1b\x01\\q»"),
        (r"$'\xc3\xa9\xff'", "«é\udcff»"),
        (r"$'a\0b'c", "«a»c"),
        ("""'$x `y`' "$'z'" """, "«$x `y`» «$'z'»"),
        ("$x $1 $10 $@ $* $# $? $- $$ $! $0 $_", "${x} ${1} ${1}0 ${@} ${*} ${#} ${?} ${-} ${$} ${!} ${0} ${_}"),
        ('"a $x b"$y', "«a »«${x}»« b»${y}"),
        ("$ a$ $% $/", "$ a$ $% $/"),
        ("${x}y ${10} ${#} ${#x} ${#*} ${##} ${?}", "${x}y ${10} ${#} ${x length} ${* length} ${# length} ${?}"),
        ("${x:-a b} ${x-} ${x:=~} ${x:?no!} ${x+*}", "${x :- a b} ${x - } ${x := ~} ${x :? no!} ${x + *}"),
        ("${x#*/} ${x##'*'} ${x%.c} ${x%%$y}", "${x # */} ${x ## «*»} ${x % .c} ${x %% ${y}}"),
        ("${x/a/b} ${x//a} ${x/#a/} ${x/%a/$b/c}", "${x / a b} ${x // a} ${x /# a } ${x /% a ${b}/c}"),
        ("${x:1} ${x: -1:2} ${x:(a?b:c):$n}", "${x substring «1»} ${x substring « -1» «2»} "
         "${x substring «(a?b:c)» «${n}»}"),
        ("${PIPESTATUS[0]} ${#PIPESTATUS[@]}", "${PIPESTATUS[0]} ${PIPESTATUS[@] length}"),
        ("""${x:-'}'"}"\\}} """, "${x :- «}}}»}"),
        ('''"${x:-'a'}" "${x#'a'*}" "${x:-"a}"\\}}"''', "«${x :- «'a'»}» «${x # «a»*}» «${x :- «a}}»}»"),
        ("${x:-${y:-$(z)}}", "${x :- ${y :- $(z)}}"),
        ("$(a; b) $(a\nb\n) $() $( # c\n)", "$(a; b) $(a ⏎ b) $() $()"),
        ('"$(a "b c" \')\')"', "«$(a «b c» «)»)»"),
        ("`a \\`b \\$c\\`` \"`a \\\"b\\\"`\"", "$(a $(b ${c})) «$(a «b»)»"),
        ("$((1 + (2*3))) $(( $x + `y` ))", "$((«1 + (2*3)»)) $((« »«${x}»« + »«$(y)»« »))"),
        ('$(("1" + \'2))', "$((«1 + '2»))"),
        ("$((a); b) $( (a) )", "$(( a ); b) $(( a ))"),
    ],
)  # fmt: skip
def test_quotes_and_expansions(source: str, tree: str) -> None:
    assert shown(parse(source)) == tree


def test_a_script_is_one_line_or_what_one_command_needs() -> None:
    scripts = parse("a; b\n\n{ c\nd; }; e\nf '\n'")
    assert [shown([script]) for script in scripts] == ["a; b", "{ c ⏎ d }; e", "f «\n»"]


def test_spans_point_at_what_was_typed() -> None:
    source = 'x=1 echo "a b"$c >f 2>&1 | wc -l &'
    [script] = parse(source)
    pipeline = script.statements[0].body.pipelines[0]
    first = pipeline.commands[0]
    assert isinstance(first, SimpleCommand)
    assert script.text(pipeline.span) == 'x=1 echo "a b"$c >f 2>&1 | wc -l'
    assert script.text(first.span) == 'x=1 echo "a b"$c >f 2>&1'
    assert script.text(first.assignments[0].span) == "x=1"
    assert script.text(first.assignments[0].value.span) == "1"
    assert [script.text(w.span) for w in first.words] == ["echo", '"a b"$c']
    assert [script.text(r.span) for r in first.redirections] == [">f", "2>&1"]


def test_spans_in_later_lines_and_inner_commands_are_those_of_the_whole_text() -> None:
    source = "a\necho `b \\`c\\`` $(d\ne) <<-E\n\t\t$(f g)\n\tE\n"
    scripts = parse(source)
    for script in scripts:
        assert script.source == source
    found = [source[slice(*span)] for span in sorted(set(spans_of(scripts)))]
    assert {"b \\`c\\`", "c", "e", "f g", "`c\\`", "$(d\ne)"} <= set(found)


def test_a_job_is_called_by_what_was_typed_on_one_line() -> None:
    [script] = parse("a |\nb &")
    assert script.text(script.statements[0].body.span) == "a | b"


# --- aliases ---

ALIASES = {
    "ll": "ls -l", "ls": "ls -F", "sudo": "sudo ", "two": "a; b", "open": "echo 'x", "pipe": "|", "empty": "",
    "br": "{ ",
    "loop": "pool x", "pool": "loop y", "not": "! ", "hide": ">/dev/null", "lines": "a\nb", "arith": "echo $((1+",
    "later": "a # b", "chain": "sudo sudo ll", "sub": "echo $(", "and": "a &&", "doc": "cat <<E",
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("ll x", "ls -F -l x"),
        ("echo ll", "echo ll"),
        ("'ll'; l\\l; \"ll\"", "«ll»; l«l»; «ll»"),
        ("ls", "ls -F"),
        ("loop", "loop y x"),
        ("sudo ll ll", "sudo ls -F -l ll"),
        ("sudo sudo ll", "sudo sudo ls -F -l"),
        ("chain", "sudo sudo ls -F -l"),
        ("sudo -u ll", "sudo -u ll"),
        ("sudo 2>&1 ll", "sudo ll 2>&1"),
        ("sudo empty ll", "sudo ll"),
        ("two && two", "a; b && a; b"),
        ("open y' z", "echo «x y» z"),
        ("a pipe b", "a pipe b"),
        ("empty ll", "ls -F -l"),
        ("empty; a", None),
        ("br a; }", "{ a }"),
        ("A=1 >f ll", "A=1 ls -F -l >f"),
        ("a | ll && (ll) ; { ll; }", "a | ls -F -l && ( ls -F -l ); { ls -F -l }"),
        ("! ll; not ll", "! ls -F -l; ! ls -F -l"),
        ("hide ll", "ls -F -l >/dev/null"),
        ("lines c", "a ⏎ b c"),
        ("lines; c\nd", "a ⏎ b; c ⏎ d"),
        ("arith 2))", "echo $((«1+ 2»))"),
        ("later c\nd", "a ⏎ d"),
        ("$(ll) `ll` \"$(ll)\"", "$(ls -F -l) $(ls -F -l) «$(ls -F -l)»"),
        ("sub ll )", "echo $(ls -F -l)"),
        ("and ll", "a && ls -F -l"),
        ("doc; ll\nx\nE\nll", "cat <<E[«x\n»]; ls -F -l ⏎ ls -F -l"),
        ("x=ll; ll=1", "x=ll; ll=1"),
    ],
)  # fmt: skip
def test_aliases(source: str, tree: str | None) -> None:
    if tree is None:
        assert not fault_of(source, ALIASES).incomplete
    else:
        assert shown(parse(source, aliases=ALIASES)) == tree


def test_bash_puts_the_same_aliases_in() -> None:
    aliases = {
        "sudo": "echo ", "ll": "LL -l", "chain": "sudo sudo ll", "l2": "ll", "e": "", "later": "echo a # b",
        "tb": "echo ll ",
        "two": "echo a; echo b", "self": "echo self ", "echo": "echo",
    }  # fmt: skip
    lines = [
        "chain",
        "sudo ll ll",
        "tb ll",
        "sudo 2>&1 ll",
        "sudo;sudo ll",
        "sudo -u ll",
        "sudo l2",
        "later c",
        "sudo e ll",
    ]
    lines += ["e sudo ll", "self self", "two ll", "echo ll", "A=1 sudo ll", "sudo A=1 ll", "sudo e"]
    for line in lines:
        script = "\n".join(["shopt -s expand_aliases", *(f"alias {n}='{v}'" for n, v in aliases.items()), line])
        bash = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
        commands = [s.body.pipelines[0].commands[0] for s in parse(line, aliases=aliases)[0].statements]
        ours = [" ".join(map(_text, command.words[1:])) for command in commands if isinstance(command, SimpleCommand)]
        assert ours == bash.splitlines(), line


def _text(node: Word) -> str:
    return "".join(part.text for part in node.parts if isinstance(part, Literal))


def test_what_an_alias_stands_for_is_where_the_alias_stands() -> None:
    [script] = parse("x; open y' ll", aliases=ALIASES)
    command = script.statements[1].body.pipelines[0].commands[0]
    assert isinstance(command, SimpleCommand)
    assert [script.text(w.span) for w in command.words] == ["open", "open y'", "ll"]
    assert script.text(command.span) == "open y' ll"
    fault = fault_of("a\nempty ; x", ALIASES)
    assert fault.place is not None
    assert fault.place.source[fault.place.start : fault.place.end] == ";"
    fault = fault_of("a; bad x", {"bad": "b; ; c"})
    assert fault.place is not None
    assert fault.place.source[fault.place.start : fault.place.end] == "bad"


def test_an_alias_may_change_between_lines() -> None:
    aliases = {"a": "one"}
    scripts = iter(Parser("a\na", aliases=aliases))
    assert shown([next(scripts)]) == "one"
    aliases["a"] = "two"
    assert shown([next(scripts)]) == "two"


def test_aliases_that_grow_without_end_are_a_fault() -> None:
    aliases = {f"a{n}": f"a{n + 1} ; a{n + 1}" for n in range(40)}
    assert fault_of("a0", aliases).message == "aliases make this line too long"


# --- faults ---

PROGRAMS = "heliosh is for commands and jobs; write bash -c '…', or put it into a file and run bash FILE"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a | | b", """\
heliosh:1:5: expected a command, found |
   1 | a | | b
     |     ^"""),
        ("a &&\n  && b", """\
heliosh:2:3: expected a command, found &&
   2 |   && b
     |   ^^"""),
        ("a )", """\
heliosh:1:3: this ) closes nothing
   1 | a )
     |   ^"""),
        ("b; }", """\
heliosh:1:4: this } closes nothing
   1 | b; }
     |    ^"""),
        ("a > | b", """\
heliosh:1:5: expected a file name, found |
   1 | a > | b
     |     ^"""),
        ("a >\nb", """\
heliosh:1:3: expected a file name after >, found the end of the line
   1 | a >
     |   ^"""),
        ("(a) b", """\
heliosh:1:5: expected ; & or the end of the line, found b
   1 | (a) b
     |     ^"""),
        ("a (b", """\
heliosh:1:3: expected ; & or the end of the line, found (
   1 | a (b
     |   ^
     = a literal ( is written \\("""),
        ("echo don't", """\
heliosh:1:9: the text ends before the ' that closes this '
   1 | echo don't
     |         ^
     = an apostrophe is written \\'"""),
        ('a\necho "x\ny', """\
heliosh:2:6: the text ends before the " that closes this "
   2 | echo "x
     |      ^"""),
        ("echo ${x^^}", """\
heliosh:1:9: expected an operator or }, found '^'
   1 | echo ${x^^}
     |         ^
     = after the name go :- := :? :+ # ## % %% / // /# /% or :offset:length"""),
        ("echo ${a[1]}", """\
heliosh:1:9: heliosh has no arrays
   1 | echo ${a[1]}
     |         ^
     = only PIPESTATUS has elements: ${PIPESTATUS[0]}, ${PIPESTATUS[@]}"""),
        ("{ a }", """\
heliosh:1:1: the text ends before the } that closes this {
   1 | { a }
     | ^
     = } is one after a ; or at a line's beginning"""),
        ("a | ! b", """\
heliosh:1:5: a ! stands in front of a whole pipeline, not inside of it
   1 | a | ! b
     |     ^"""),
        ("echo `a |` b", """\
heliosh:1:9: expected a command after |, found the end of the text
   1 | echo `a |` b
     |         ^"""),
        ("cat <<E\n$(a;;)\nE\n", """\
heliosh:2:4: this ;; belongs to case, which heliosh doesn't have
   2 | $(a;;)
     |    ^^
     = """ + PROGRAMS),
        ("x=$(cat <<E)\n", """\
heliosh:1:9: this here-document has no lines: the ) comes before the end of its line
   1 | x=$(cat <<E)
     |         ^^"""),
        ("cat <<E\nx\n", """\
heliosh:1:5: the text ends before the line 'E' that closes this here-document
   1 | cat <<E
     |     ^^"""),
    ],
)  # fmt: skip
def test_a_fault_names_the_place_and_what_was_expected(source: str, text: str) -> None:
    assert fault_of(source).explain() == text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("if true; then a; fi", "heliosh has no if"),
        ("for i in a b; do c; done", "heliosh has no for"),
        ("while a; do b; done", "heliosh has no while"),
        ("until a; do b; done", "heliosh has no until"),
        ("case x in x) a;; esac", "heliosh has no case"),
        ("select x in a; do b; done", "heliosh has no select"),
        ("a && [[ -f x ]]", "heliosh has no [["),
        ("function f { a; }", "heliosh has no functions"),
        ("f() { a; }", "heliosh has no functions"),
        ("f ( ) (a)", "heliosh has no functions"),
        ("a; fi", "fi without if, which heliosh doesn't have"),
        ("(done)", "done without for or while, which heliosh doesn't have"),
        ("a=(1 2)", "heliosh has no arrays"),
        ("diff <(a) b", "heliosh has no process substitution <(…)"),
        ("coproc a", "heliosh has no coproc"),
    ],
)
def test_what_programs_are_made_of_is_met_with_advice(source: str, message: str) -> None:
    fault = fault_of(source)
    assert fault.message == message
    assert fault.hint.endswith(PROGRAMS)
    assert not fault.incomplete
    assert fault.status == 2


def test_an_arithmetic_command_is_told_from_two_groups() -> None:
    assert fault_of("((i++))").message == "heliosh has no (( ))"
    assert "$((…))" in fault_of("((i++))").hint


def test_the_line_number_counts_from_where_the_text_began() -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse("a\n)", name="rc", first_line=10)
    assert caught.value.explain().splitlines()[0] == "rc:11:1: expected a command, found )"


# --- more to come ---


@pytest.mark.parametrize(
    "source",
    [
        "a |", "a &&", "a ||\n", "a |& # b\n", "(", "(a", "(a;\n", "{", "{ a", "{ a }", "a '", 'a "b', "a $'",
        "a `b", "a $(",
        "a $(b", "a ${x", "a ${", "a ${x:-", "a $((", "a $((1)", "a \\", "a \\\n", "'", "\\\n", "a 'b\n",
        'a "$(b "c', "cat <<E",
        "cat <<E\n", "cat <<E\nx", "cat <<E; (a\nx\nE\n", "$(cat <<E\nx\n", "cat <<'E'\n'\n", "a | (b &&\n", "! {\n",
    ],
)  # fmt: skip
def test_unfinished_text_is_incomplete(source: str) -> None:
    assert fault_of(source).incomplete


@pytest.mark.parametrize(
    "source",
    ["a )", "a >", "a >\n", "!\n", "a | |", "if", "`a |`", "cat <<E\n$(a\nE\n", "a & &", "( )", "a ;;", "f()", "((a))"],
)
def test_what_no_further_line_can_mend_is_not_incomplete(source: str) -> None:
    assert not fault_of(source).incomplete


WHOLE = """\
a 'b
c' && (d; e "f $(g
h)" |
i) && {
  cat <<A <<-'B' | j \\
    k
x $(l
m) ${n:-
o}
A
\tp
\tB
  q $((1 +
2))
}
"""


@pytest.mark.parametrize("end", range(len(WHOLE)))
def test_a_command_that_is_being_typed_is_never_wrong(end: int) -> None:
    result = outcome(WHOLE[:end])
    if isinstance(result, SyntaxFault):
        assert result.incomplete or WHOLE[:end].rstrip(" \t").endswith(("<", "<-")), result.explain()


def test_lines_are_asked_for_until_the_command_is_complete() -> None:
    lines = WHOLE.splitlines(keepends=True)
    for count in range(1, len(lines)):
        assert fault_of("".join(lines[:count])).incomplete
    assert len(parse(WHOLE)) == 1


# --- any text ---

PIECES = [
    "a", "b ", "'c d'", '"d $x"', "$(a)", "`a`", "${x:-y}", "$((1+2))", ";", "&", "|", "&&", "||", "( ", ")",
    "{ ", "; }", "\n",
    "! ", ">f", "2>&1 ", "<f", "&>g", ">>", "<<<w", "|&", " ", "A=1 ", "#c", "\\\n", "\\ ", "<&- ", "3<>f",
    "2>|g", "$", "*", "1",
    "$'x\\n'", "'", '"', "$(", "${x", "}", " <<E\n$y\nE\n",
]  # fmt: skip

pieces = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)
any_text = st.one_of(
    pieces, st.text(alphabet=st.sampled_from("ab '\"\\$`(){};&|<>\n#!=:-/1E\t\0"), max_size=40), st.text()
)


def spans_of(node: object) -> list[Span]:
    if isinstance(node, Span):
        return [node]
    return [span for part in node for span in spans_of(part)] if isinstance(node, tuple | list) else []


@given(any_text)
@example("$((" * 60)
@example("\ud800 'a")
def test_any_text_is_a_command_or_a_fault_with_a_place(source: str) -> None:
    result = outcome(source, {"a": "b 'c", "b": "a;", "c": "( ", "1": "b "})
    if isinstance(result, SyntaxFault):
        assert result.place is not None
        assert 0 <= result.place.start <= result.place.end <= len(source)
        assert result.explain().count("\n") >= 2
        return
    for span in spans_of(result):
        assert 0 <= span.start <= span.end <= len(source)


def bash_accepts(source: str) -> bool:
    return subprocess.run(["bash", "-n", "-c", source], capture_output=True).returncode == 0


def _differs_on_purpose(source: str) -> bool:
    """bash looks into ${…} and `…` when it runs them, ends here-documents with the text, and lets ! stand alone."""
    result = outcome(source)
    if not isinstance(result, SyntaxFault):
        return False
    if re.search(r"! *([;&|)\n#]|$)", source):
        return True
    if not result.incomplete and ("${" in source or "`" in source):
        return True
    about = ("after !", "heliosh has no", "here-document", "backslash", "} closes nothing")
    return any(part in result.message for part in about)


@settings(max_examples=250, deadline=None)
@given(pieces.filter(lambda source: not _differs_on_purpose(source)))
def test_bash_agrees_about_what_is_a_command(source: str) -> None:
    assert bash_accepts(source) == (not isinstance(outcome(source), SyntaxFault))


# --- bounds ---


@pytest.mark.parametrize(
    "source",
    [
        "( " * 500,
        "{ " * 500,
        "$(" * 500,
        '"${x:-' * 500,
        "$((" * 500,
        "`" + "\\`" * 50,
        '"$(' * 500,
        "${x:1?" * 500,
        "a | (" * 500,
    ],
)
def test_deep_nesting_is_a_fault(source: str) -> None:
    fault = fault_of("echo " + source if source[0] in '$`"' else source)
    assert "in each other" in fault.message or fault.message.startswith(("heliosh has no", "the text ends", "expected"))


def test_forty_levels_are_fine() -> None:
    assert parse("( " * 40 + "a" + " )" * 40)
    assert parse("echo " + '"$(echo ' * 40 + "a" + ')"' * 40)


@pytest.mark.parametrize(
    "unit",
    [
        "a ",
        "\\a",
        "a;",
        "'a'",
        '"$x"',
        "$(a) ",
        "`a` ",
        "$((1)) ",
        "a|\n",
        "a \\\n",
        "<<E ",
        "''",
        "${x:-a}",
        "e ",
        "#",
    ],
)
def test_work_is_in_proportion_to_the_length(unit: str) -> None:
    def work(count: int) -> int:
        return calls(lambda: outcome("echo " + unit * count + "a", {"e": "f "}))

    assert work(1_600) < 9 * work(200)


def test_a_megabyte_in_one_word_takes_no_more_work_than_a_short_one() -> None:
    for one in ("echo '{}'", "echo {}"):
        parse(one.format("aa"))  # whatever is done only once
        assert calls(lambda one=one: parse(one.format("a" * 2_000_000))) <= calls(
            lambda one=one: parse(one.format("aa"))
        )
