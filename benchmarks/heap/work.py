"""What the benchmark of the heap has CPython do: JSON, syntax trees of the standard library, diffs, classes, strings.

With PYTHONMALLOC=malloc every object is a block of malloc's.
"""

import ast
import difflib
import json
import re
from collections import Counter, defaultdict
from pathlib import Path

LIBRARY = Path(ast.__file__).parent
SOURCES = [LIBRARY.joinpath(name).read_text() for name in ("argparse.py", "datetime.py", "tarfile.py", "inspect.py")]


def rows(count: int) -> list[dict[str, object]]:
    return [
        {"id": n, "name": f"row {n}", "tags": [f"tag{n % k}" for k in range(1, 6)], "at": {"x": n / 7, "y": [n] * 3}}
        for n in range(count)
    ]


def documents() -> int:
    text = json.dumps(rows(6000), indent=1)
    return sum(len(json.loads(text)) for _ in range(4))


def trees() -> int:
    kinds: Counter[str] = Counter()
    for source in SOURCES:
        tree = ast.parse(source)
        kinds.update(type(node).__name__ for node in ast.walk(tree))
        compile(ast.unparse(tree), "again", "exec")
    return sum(kinds.values())


def differences() -> int:
    before = SOURCES[0].splitlines()[:900]
    after = [line.replace("self", "this") for line in before if len(line) % 7]
    return sum(len(line) for line in difflib.unified_diff(before, after))


def words() -> int:
    places = defaultdict(list)
    for source in SOURCES:
        for match in re.finditer(r"\w+", source):
            places[match.group()].append(match.start())
    return len(" ".join(sorted(places, key=lambda word: (len(places[word]), word)))) + sum(map(sum, places.values()))


print(documents(), trees(), differences(), words())
