"""Compilers, and what they compile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.heap.programs.conftest import EVERY_WAY, WORK, Heap, needs

FUNCTIONS = 250  # a quarter of a megabyte
MAIN = 'int main(void) { for (int i = 0; i < 1000; i++) add_7(i % 2 ? "odd" : "even", i); printf("%f\\n", sum_7(0)); }'
TEMPLATES = """
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

struct alignas(256) Wide { double values[32]; };

int main() {
    std::map<std::string, std::vector<std::unique_ptr<Wide>>> all;
    std::ostringstream text;
    for (int i = 0; i < 2000; i++) {
        auto &list = all["key " + std::to_string(i * 7919 % 300)];
        list.push_back(std::make_unique<Wide>());
        if (reinterpret_cast<std::uintptr_t>(list.back().get()) % alignof(Wide))
            return 1;
        text << i << ' ';
    }
    std::vector<std::thread> threads;
    std::vector<std::string> results(4);
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 2000; i++)
                results[t] += std::string(i % 100, 'a' + t);
        });
    for (auto &thread : threads)
        thread.join();
    std::cout << all.size() << ' ' << std::regex_replace(text.str(), std::regex("([0-9])1"), "$1-").size();
    for (auto &result : results)
        std::cout << ' ' << result.size() << std::count(result.begin(), result.end(), 'b');
    if (new (std::nothrow) char[static_cast<std::size_t>(-1) / 2 - 100])
        return 2;
    try {
        throw std::runtime_error(std::string(10000, 'x'));
    } catch (const std::exception &error) {
        std::cout << ' ' << std::string(error.what()).size() << std::endl;
    }
}
"""


@pytest.mark.parametrize("heap", EVERY_WAY, indirect=True)
def test_gcc_makes_the_same_object_of_a_large_file(heap: Heap, none: Heap, tmp_path: Path) -> None:
    compiler = needs("gcc")
    each = (WORK / "functions.c").read_text().partition("*/\n")[2]
    text = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
    text += "".join(each.replace("NUMBER", str(number)) for number in range(FUNCTIONS)) + MAIN
    (tmp_path / "large.c").write_text(text)
    none.well(compiler, "-O0", "-c", "large.c", "-o", "without.o")
    heap.well(compiler, "-O0", "-c", "large.c", "-o", "with.o")
    assert (tmp_path / "with.o").read_bytes() == (tmp_path / "without.o").read_bytes()
    heap.well(compiler, "with.o", "-o", "large")
    assert heap.well(tmp_path / "large") == none.well(tmp_path / "large") != ""


def test_a_program_of_gpp_compiles_and_runs_the_same(heap: Heap, none: Heap, tmp_path: Path) -> None:
    compiler = needs("g++")
    (tmp_path / "templates.cc").write_text(TEMPLATES)
    heap.well(compiler, "-std=c++17", "-pthread", "templates.cc", "-o", "templates")
    expected = none.well(tmp_path / "templates")
    for options in EVERY_WAY:
        assert Heap(options, tmp_path).well(tmp_path / "templates") == expected, options
