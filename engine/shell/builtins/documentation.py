"""help: the builtins in their groups, or one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING

from engine.shell.builtins import BUILTINS, GROUPS, Command
from engine.shell.builtins.options import parse

if TYPE_CHECKING:
    from engine.shell.shell import Shell

_OPENING = """\
heliosh: a shell for working with processes and jobs.

  cmd | cmd      a pipeline         cmd &        in the background     ctrl+z       stop it
  a && b, a || b if a worked, not   ( … ) { … }  grouped               fg, bg       go on
  > >> 2> &> <   files              <<END <<<    text as input         $(cmd)       what it writes
  $name ${name:-else} $((1 + 2))    *.txt **/*.py {a,b}   file names   'as it is' "with $x" \\c

It has no if, no loops and no functions: `bash FILE` or `bash -c` run what needs them.
"""

# A name, then its lines two further in.
_DETAILS = """
cd
  DIR is the home directory where none is given, and the directory before this one for -.
  A DIR without ./ in front is looked for in the directories of CDPATH first.
  -L  take .. as the end of the path as written (the default)
  -P  follow symbolic links first, so that PWD has none
pwd
  -L  as it was reached (the default)
  -P  without symbolic links
pushd
  Without DIR the two at the top change places; +N and -N bring one to the top, counted from the left or
  the right of what dirs shows.
  -n  change the stack only, not the working directory
popd
  +N and -N take one out of the stack, counted from the left or the right of what dirs shows.
  -n  change the stack only, not the working directory
dirs
  -c  clear it
  -l  write ~ out
  -p  one on each line
  -v  one on each line, with its number
jobs
  JOB is %1, %+ or %% (the current one), %- (the one before), %name, %?text, or a process id.
  -l  with process ids           -p  the process group only
  -r  those that run             -s  those that are stopped
  -n  those that changed since you were last told
  -x  run COMMAND, with each JOB in it replaced by its process group
wait
  The status is that of the last JOB; 128 + n when trapped signal n came before.
  -n  for the next one of them that ends
  -f  to the end, where it would be enough that a job stops
  -p  put into variable NAME which one it was
kill
  The signal is TERM where none is given. A negative PID is a process group, 0 is this one.
  -l  list the signals, or turn a name into its number and back (statuses above 128 too)
disown
  -h  keep the job, but spare it from the SIGHUP at the end
  -a  all jobs
  -r  all that run
trap
  ACTION is a command, '' to ignore the signal, or - to have it as it was.
  SIGNAL is a name or a number; EXIT (or 0) is the end of the shell, ERR a command that failed, DEBUG the
  moment before each command.
  -l  list the signals
  -p  list the actions, so that they can be typed in again
export
  -n  no longer
  -p  list what is exported, so that it can be typed in again
readonly
  -p  list what is protected, so that it can be typed in again
env
  -i, --ignore-environment  begin with an empty one
  -u, --unset=NAME  leave a variable out
  -0, --null  end each line with a NUL
  With a COMMAND, all options of env(1) work.
set
  - switches on, + off. Without anything the variables are listed; -o lists the settings.
  -a allexport   export what is assigned         -n noexec    read commands, but run none
  -b notify      tell of jobs at once            -u nounset   unset variables are an error
  -e errexit     end at the first failure        -v verbose   show lines as they are read
  -f noglob      no patterns for file names      -x xtrace    show commands as they are run
  -m monitor     job control                     -C noclobber > doesn't overwrite files
  -o pipefail    a pipeline fails with any of its commands
shopt
  -s  switch on    -u  switch off    -q  tell by the status only    -p  so that it can be typed in again
  -o  the settings of set -o
read
  Its words go to one NAME each, the rest to the last; without NAME the line goes to REPLY.
  -d  up to this character           -n  at most N characters
  -N  N characters, whatever they are -p  show this on a terminal first
  -r  a backslash is a backslash     -s  don't show what is typed
  -t  give up after so long (0: is there something to read?)
  -u  from this descriptor
getopts
  OPTIONS are the letters, with a : behind those that take a value (OPTARG); OPTIND is where it is.
alias
  -p  list all of them, so that they can be typed in again
unalias
  -a  all
source
  A FILE without a slash is looked for in PATH, then here. ARGs are its $1 $2 …
exec
  Without a COMMAND the redirections stay for this shell.
  -a  what the program is told to be called    -c  in an empty environment
  -l  as a login shell
command
  -p  look in the system's directories only    -v  tell what would be run    -V  in a sentence
type
  -a  all that bear the name      -t  one word: alias, keyword, builtin or file
  -p  the file, if it is one      -P  the file in PATH, whatever else bears the name
hash
  -r  forget all    -d  forget NAME    -t  show the path of NAME
  -l  list so that it can be typed in again    -p  remember PATH for NAME
history
  N  the last N only        -c  forget all       -d  forget one, or a range of them
  -w write it to FILE (HISTFILE where none is named)    -a  append it
  -r read FILE as well     -n  only what is new of it
  -s add the words as one line    -p  show the words
help
  -d  one line about each    -s  its usage only
echo
  -n  without a newline    -e  with escapes such as \\n \\t \\0101 \\x41 \\u20ac \\c    -E  without them
printf
  The FORMAT is used again as long as there are ARGs.
  %s %c text    %b with escapes    %q quoted for a shell    %d %i %u %o %x %X whole numbers
  %e %f %g %a numbers with a fraction    %(FORM)T a time of strftime(3)    %% a %
  -v  put it into variable NAME
test
  FILE   -e exists   -f file    -d directory   -h -L link   -p FIFO   -S socket   -b -c device
         -r -w -x may be read, written, run    -s not empty  -u -g -k bits    -O -G mine   -N new
         A -nt B newer     A -ot B older       A -ef B the same
  TEXT   -n not empty      -z empty            A = B   A != B   A < B   A > B
  NUMBER A -eq B  -ne  -lt  -le  -gt  -ge
  OTHER  -t FD a terminal  -v NAME is set      -o OPTION is on
         ! E    ( E )    E -a E    E -o E
umask
  MODE is octal (what to leave out) or symbolic (what to keep): 027 is u=rwx,g=rx,o=
  -S  show it symbolically    -p  so that it can be typed in again
ulimit
  LIMIT is a number, unlimited, hard or soft.
  -H -S  the hard or the soft limit    -a  all of them
tar
  -x and -t are done by `heliostui tar`, which refuses entries that would get out of the directory.
  `env tar …` runs the system's.
"""


def help_(shell: Shell, arguments: list[str]) -> int:
    options, names = parse("help", arguments, "dsm")
    if not names:
        shell.write(_OPENING + "".join(_group(title, commands) for title, commands in GROUPS.items()))
        shell.write("\n`help NAME` tells more of each.\n")
        return 0
    status = 0
    for name in names:
        found = list(_matching(name))
        if not found:
            shell.complain(f"help: there is no command `{name}' in the shell itself: `man {name}` may know it")
            status = 1
        for command in found:
            if "d" in options:
                shell.write(f"{command.name} - {command.summary}\n")
            elif "s" in options:
                shell.write(_usage(command) + "\n")
            else:
                shell.write(_about(command))
    return status


def _group(title: str, commands: Iterable[Command]) -> str:
    lines = [f"\n{title}\n"]
    lines += [f"  {command.name:<9} {command.summary}\n" for command in commands]
    return "".join(lines)


def _matching(name: str) -> Iterable[Command]:
    """The one of that name; else those that the pattern fits."""
    if name in BUILTINS:
        return [BUILTINS[name]]
    from fnmatch import fnmatchcase

    return [command for known, command in BUILTINS.items() if fnmatchcase(known, name)]


def _usage(command: Command) -> str:
    return f"{command.name} {command.usage}".rstrip()


def _about(command: Command) -> str:
    summary = command.summary[0].upper() + command.summary[1:]
    details = "".join(_details(command.name))
    return f"{_usage(command)}\n\n  {summary}.\n" + (f"\n{details}" if details else "")


def _details(name: str) -> Iterator[str]:
    lines = iter(_DETAILS.splitlines(keepends=True))
    for line in lines:
        if line == f"{name}\n":
            yield from takewhile(lambda line: line.startswith(" "), lines)


COMMANDS = {"help": help_}
