"""umask, ulimit and times, beside bash's."""

from __future__ import annotations

import re
import sys

from tests.engine.shell.builtins.conftest import Heliosh, Same


def test_the_mask_is_set_and_shown_in_both_ways(same: Same) -> None:
    same(
        "umask 022; umask; umask -S; umask 077; umask; umask -p; umask -pS; umask -S 027; umask",
        "umask 022; umask u=rwx,g=rx,o=; umask; umask +w; umask; umask a-x; umask; umask -x; umask; umask =; umask",
        "umask 022; umask ug+w,o=r; umask -S; umask u=; umask",
        "umask 022; umask 999; echo $?; umask u=z; echo $?; umask X; echo $?; umask ''; echo $?; umask",
        "umask 77777; echo $?",
        "umask 027; touch f; mkdir d; stat -c %a f d",
    )  # fmt: skip


def test_permissions_can_be_copied_and_changed_again_as_posix_has_it(heliosh: Heliosh) -> None:
    assert heliosh("umask 0027; umask o=g; umask; umask g=u; umask").out == "0022\n0002\n"
    assert heliosh("umask 0027; umask g+rw-r; umask").out == "0047\n"


def test_limits_are_set_and_shown(same: Same) -> None:
    same(
        "ulimit; ulimit -c 0; ulimit -c; ulimit -a; ulimit -Ha",
        "ulimit -n; ulimit -Hn; ulimit -n 100; ulimit -n; ulimit -Hn; ulimit -Sn 50; ulimit -n; ulimit -n hard",
        "ulimit -Sn 64; ulimit -n; ulimit -n soft; ulimit -Hn; ulimit -n 100; ulimit -n",
        "ulimit -n -s; ulimit -p; ulimit -p 3; echo $?; ulimit -f 10; ulimit -f; ulimit -t 100; ulimit -Ht",
        "ulimit -n 100 -s 1000; ulimit -n; ulimit -s; ulimit -n50; ulimit -n",
        "ulimit -n abc; echo $?; ulimit -z; echo $?",
        "ulimit -Hc 0; ulimit -c unlimited; ulimit -c",
        "ulimit -n 100; sh -c 'ulimit -n'",
    )  # fmt: skip


def test_a_limit_that_can_not_be_set_is_told_by_its_name(heliosh: Heliosh) -> None:
    ended = heliosh("ulimit -p 3; ulimit -n 99999999999999999999; ulimit -n many")
    assert "ulimit: pipe size: cannot modify limit: Invalid argument" in ended.err
    assert "ulimit: 99999999999999999999: limit out of range" in ended.err
    assert "ulimit: many: invalid number" in ended.err


def test_times_are_those_of_the_shell_and_of_what_it_ran(heliosh: Heliosh) -> None:
    busy = "import time\nwhile time.process_time() < 0.1: pass"  # times(2) counts in hundredths of a second
    told = heliosh(f"{sys.executable} -c '{busy}'; times").out
    assert re.fullmatch(r"(\d+m\d+\.\d{3}s \d+m\d+\.\d{3}s\n){2}", told)
    assert not told.splitlines()[1].startswith("0m0.000s 0m0.000s")
