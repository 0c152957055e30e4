# What the benchmark of the heap has bash do: words, arrays, functions, substitutions, some of them in a child.
declare -A count
words=()
for ((i = 0; i < 12000; i++)); do
    word="word$((i * 7919 % 3000))"
    words+=("$word")
    count[$word]=$((${count[$word]:-0} + 1))
done

join() {
    local separator=$1 text=
    shift
    for word; do text+=$separator${word^^}; done
    printf '%s' "${text#"$separator"}"
}

text=
for ((i = 0; i < 300; i++)); do
    line=$(join , "${words[@]:i:40}")
    text+="${line//WORD/w}"$'\n'
done

lines=0
while IFS=, read -r first second rest; do
    case $first in
    w*[05]) ((lines += ${#rest})) ;;
    *) : "${second%%[0-9]*}" "${rest##*,}" ;;
    esac
done <<<"$text"
echo "${#count[@]} ${#text} $lines"
