" What the benchmark of the heap has vim do with a large file: substitute, delete, join, sort, undo, and lists of its own.
set nocompatible undolevels=1000
%s/\<\(\w\)\(\w*\)/\2\1/g
g/7/d
g/1$/normal! J
%sort
undo
let words = {}
for line in getline(1, 4000)
  for word in split(line)
    let words[word] = get(words, word, 0) + 1
  endfor
endfor
call append(0, map(sort(items(words)), 'v:val[0] . " " . v:val[1]'))
%print
quit!
