"""source, eval, exec, exit and what finds commands: type, command, builtin, hash."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, NoReturn

from engine.shell.builtins import BUILTINS
from engine.shell.builtins.aliases import line
from engine.shell.builtins.options import Usage, parse, whole
from engine.shell.execution import ShellExit
from engine.shell.faults import Fault
from engine.shell.state import DEFAULT_PATH

if TYPE_CHECKING:
    from engine.shell.shell import Shell

KEYWORDS = frozenset("! { }".split())


class Return(ShellExit):
    """The file that `source` runs shall end with this status; a subshell in it, itself."""


_sourcing = 0  # how many files are being run, one from the other


def source(shell: Shell, arguments: list[str]) -> int:
    global _sourcing
    _, words = parse("source", arguments, "")
    if not words:
        raise Usage("source", "a file is missing")
    text = _text(_file(shell, words[0]), words[0])
    before = list(shell.state.positional)
    if words[1:]:
        shell.state.positional[:] = words[1:]
    _sourcing += 1
    try:
        return shell.run_text(text, words[0])
    except Return as end:
        return end.status
    finally:
        _sourcing -= 1
        if words[1:]:
            shell.state.positional[:] = before


def return_(shell: Shell, arguments: list[str]) -> NoReturn:
    if not _sourcing:
        raise Fault("there is no file to return from: that is for those that `source` runs", status=2)
    raise Return(_status(shell, arguments) if arguments else shell.state.status)


def eval_(shell: Shell, arguments: list[str]) -> int:
    _, words = parse("eval", arguments, "")
    return shell.run_text(" ".join(words), "eval", first_line=max(shell.state.line, 1))


def exec_(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("exec", arguments, "cla:")
    if not words:
        shell.keep_redirections()
        return 0
    name = options.get("a", words[0])
    if "l" in options:
        name = "-" + name
    return shell.replace(words, environment={} if "c" in options else None, name=name)


def exit_(shell: Shell, arguments: list[str]) -> int:
    words = arguments[arguments[:1] == ["--"] :]
    if len(words) > 1 and whole(words[0]) is not None:
        raise Fault("too many arguments")
    status = _status(shell, words) if words else None
    return shell.exit(status) if shell.may_leave() else 1


def _status(shell: Shell, words: list[str]) -> int:
    """What the words say, 0 to 255."""
    number = whole(words[0])
    if number is None:
        shell.complain(f"exit: {words[0]}: numeric argument required")
        return 2
    return number & 255


def _file(shell: Shell, name: str) -> str:
    """The file that is meant: in PATH, then here, where its name has no slash."""
    if "/" in name:
        return name
    for directory in (shell.state.variables.get("PATH") or "").split(":"):
        path = os.path.join(directory or ".", name)
        if os.path.isfile(path) and os.access(path, os.R_OK, effective_ids=True):
            return path
    return name


def _text(path: str, name: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise Fault(f"{name}: {error.strerror}") from None
    if b"\0" in content[:80].partition(b"\n")[0]:
        raise Fault(f"{name}: cannot execute binary file", status=126)
    return os.fsdecode(content.replace(b"\0", b""))


# --- what a command is ---


def type_(shell: Shell, arguments: list[str]) -> int:
    options, names = parse("type", arguments, "aptPf")
    status = 0
    for name in names:
        every = "a" in options
        found = list(islice(_meanings(shell, name, every=every, files_only="P" in options), None if every else 1))
        for kind, text in found:
            if "p" in options and kind != "file":
                continue
            if "t" in options:
                shell.write(kind + "\n")
            elif "p" in options or "P" in options:
                shell.write(text + "\n")
            else:
                hashed = not every and shell.state.hash.get(name) == text
                shell.write(_sentence(name, kind, text, hashed=hashed) + "\n")
        if not found:
            status = 1
            if not options.keys() & set("tpP"):
                shell.complain(f"type: {name}: not found")
    return status


def command(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("command", arguments, "pVv")
    path = DEFAULT_PATH if "p" in options else None
    if not words:
        return 0
    if "v" not in options and "V" not in options:
        if path and words[0] not in BUILTINS:
            words = [next(_programs(path, words[0]), words[0]), *words[1:]]
        return shell.call(words)
    any_found = False
    for name in words:
        found = next(_meanings(shell, name, path=path), None)
        if found:
            any_found = True
            shell.write((_sentence(name, *found) if "V" in options else _word(name, *found)) + "\n")
        elif "V" in options:
            shell.complain(f"command: {name}: not found")
    return 0 if any_found else 1


def builtin(shell: Shell, arguments: list[str]) -> int:
    _, words = parse("builtin", arguments, "")
    if not words:
        return 0
    if words[0] not in BUILTINS:
        raise Fault(f"{words[0]}: not a shell builtin")
    return shell.call(words)


def hash_(shell: Shell, arguments: list[str]) -> int:
    options, names = parse("hash", arguments, "rp:dtl")
    paths = shell.state.hash
    if "r" in options:
        paths.clear()
    if not names:
        if not options.keys() - {"l"}:
            _list_hash(shell, reusable="l" in options)
        elif options.keys() & {"t", "d", "p"}:
            raise Usage("hash", "a name is missing")
        return 0
    status = 0
    for name in names:
        if complaint := _hash_one(shell, name, options, several=len(names) > 1):
            shell.complain(f"hash: {name}: {complaint}")
            status = 1
    return status


def _hash_one(shell: Shell, name: str, options: dict[str, str], *, several: bool) -> str:
    """Does it; what is wrong, if anything."""
    paths = shell.state.hash
    if "p" in options:
        if os.path.isdir(options["p"]):
            return f"{options['p']} is a directory"
        paths[name] = options["p"]
        return ""
    if "d" in options:
        return "" if paths.pop(name, None) else "not found"
    if "t" in options:
        if name not in paths:
            return "not found"
        if "l" in options:
            shell.write(f"hash -p {paths[name]} {name}\n")
        else:
            shell.write((f"{name}\t" if several else "") + paths[name] + "\n")
        return ""
    if "/" in name or name in BUILTINS:
        return ""
    paths.pop(name, None)
    return "" if shell.find(name) else "not found"


def _list_hash(shell: Shell, *, reusable: bool) -> None:
    paths = shell.state.hash
    if reusable:
        shell.write("".join(f"builtin hash -p {path} {name}\n" for name, path in paths.items()))
    elif paths:
        width = max(map(len, paths))
        shell.write("".join(f"{name:<{width}}  {path}\n" for name, path in paths.items()))
    else:
        shell.write("hash: hash table empty\n")


def _meanings(
    shell: Shell, name: str, *, every: bool = False, files_only: bool = False, path: str | None = None
) -> Iterator[tuple[str, str]]:
    """What the name can mean, the first being what would be run: alias, keyword, builtin or file, with the text of
    the alias or the path."""
    if not files_only:
        if name in shell.state.aliases:
            yield "alias", shell.state.aliases[name]
        if name in KEYWORDS:
            yield "keyword", ""
        if name in BUILTINS:
            yield "builtin", ""
    if not every and path is None and name in shell.state.hash:
        yield "file", shell.state.hash[name]
    yield from (("file", file) for file in _programs(path or shell.state.variables.get("PATH") or "", name))


def _programs(path: str, name: str) -> Iterator[str]:
    """All programs of that name, in the order of PATH; a name with a slash is its own path."""
    for directory in [""] if "/" in name else [part or "." for part in path.split(":")]:
        file = os.path.join(directory, name)
        if os.path.isfile(file) and os.access(file, os.X_OK, effective_ids=True):
            yield file


def _sentence(name: str, kind: str, text: str, *, hashed: bool = False) -> str:
    if kind == "alias":
        return f"{name} is aliased to `{text}'"
    if kind == "file":
        return f"{name} is hashed ({text})" if hashed else f"{name} is {text}"
    return f"{name} is a shell {kind}"


def _word(name: str, kind: str, text: str) -> str:
    if kind == "alias":
        return line(name, text).rstrip("\n")
    return text if kind == "file" else name


COMMANDS = {
    "source": source,
    ".": source,
    "return": return_,
    "eval": eval_,
    "exec": exec_,
    "exit": exit_,
    "logout": exit_,
    "type": type_,
    "command": command,
    "builtin": builtin,
    "hash": hash_,
}
