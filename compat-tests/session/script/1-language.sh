section pipes
printf 'pear\napple\nfig\napple\n' | sort | uniq -c | sort -rn | sed 's/^ *//'
seq 1 1000 | grep 7 | wc -l
yes | head -n 3
yes 2>/dev/null | head -c 100000 | wc -c
dd if=/dev/zero bs=1k count=256 2>/dev/null | cat | cat | tr '\0' x | md5sum
false | true
echo "last decides: $?"
! true | false
echo "negated: $?"
(
    set -o pipefail
    true | false | true
    echo "pipefail: $?"
)
{
    echo one
    echo two >&2
} 2>&1 | sort -r

section redirections
echo first >file
echo second >>file
cat <file
cat nowhere 2>errors
echo "status $?"
cat errors
ls file nowhere >both 2>&1
cat both
(
    set -C
    echo over >file
)
echo "noclobber: $?"
(
    set -C
    echo over >|file
)
cat file
exec 3>third
echo to three >&3
echo again >&3
exec 3>&-
cat third
(echo closed >&3) 2>&1
echo "status $?"
exec 4<third
read -r line <&4
echo "read: $line"
read -r line <&4
echo "then: $line"
read -r line <&4 || echo "end"
exec 4<&-
exec 5<>both
read -r line <&5
echo overwritten >&5
exec 5>&-
cat both
echo lost >/dev/null
echo swapped 3>&1 1>&2 2>&3 3>&-
echo full >/dev/full
echo "status $?"
{
    echo a
    echo b
} >grouped
wc -l <grouped
: >empty
wc -c empty

section here-documents
name=world
cat <<END
Hello $name, $((6 * 7)), $(echo nested), \$literal
END
cat <<'END'
Hello $name, `not run`
END
cat <<-END
	tabs are taken away
	  spaces are not
	END
cat <<ONE
first
ONE
cat <<TWO
second
TWO
tr a-z A-Z <<END | rev
palindrome
END

section globs
mkdir globs && cd globs && touch a1 a2 b1 .hidden 'with space' '[x]'
echo *
echo a?
echo [ab]1
echo [!a]*
echo .h*
echo no*match
echo '*' "a*" \*
for f in *; do echo "<$f>"; done
echo '['x]
(
    set -f
    echo *
)
echo */
mkdir d
touch d/e
echo */e
cd ..

section expansion
v=/usr/lib/libx.so.1 unset_one=''
echo "${v##*/} ${v%/*} ${v%%.*} ${v#*/} ${#v} ${v:5:3} ${v/lib/LIB} ${v//l/L}"
unset nothing
echo "${nothing-default} ${unset_one:-empty} ${unset_one-kept}. ${nothing:=assigned} $nothing ${v:+set}"
(echo "${missing:?is not there}")
echo "status $?"
set -- one 'two three' four
echo $# "$2"
printf '<%s>' "$@"
printf '<%s>' "$*" $*
echo
shift
echo "$1 $#"
IFS=:
w='a:b::c'
set -- $w
echo $#
IFS=,
echo "$*"
unset IFS
set --
echo ~root "$(echo "in $(echo deeper)")" $(echo back)
echo $((1 + 2 * 3)) $((7 / 2)) $((-7 % 3)) $((1 << 10)) $((0x1f)) $((010)) $((5 > 3 && 2 != 2)) $((x = 5, x += 2)) $x $((x++)) $x
echo $((9223372036854775807 + 1))
(echo $((1 / 0)))
echo "status $?"
echo {a,b} a"b"'c'$'d\te' "\$v" '\n'

section control
for i in 1 2 3 4 5; do
    [ $i = 2 ] && continue
    [ $i = 4 ] && break
    echo $i
done
i=0
while [ $i -lt 3 ]; do
    i=$((i + 1))
    echo -n "$i "
done
echo
i=3
until [ $i = 0 ]; do i=$((i - 1)); done
echo $i
for word in apple banana 7up .dot ''; do
    case $word in
        a* | c*) echo "$word: a or c" ;;
        [0-9]*) echo "$word: digit" ;;
        '') echo "empty" ;;
        .*) echo "$word: dot" ;;
        *) echo "$word: other" ;;
    esac
done
if false; then echo no; elif [ -d / ] && ! [ -e nowhere ]; then echo elif; else echo no; fi
seq 3 | while read -r n; do echo "line $n"; done
fact() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }
fact 10
scope() {
    local x=inner
    y=outer
    return 7
}
x=untouched
scope
echo "$? $x $y"
nested() {
    (exit 3)
    echo "inner $?"
    return
}
nested
echo "outer $?"
eval 'echo evaluated "$x"'
alias hi='echo hello'
alias hi
command -v cat
type fact cd nosuch
nosuchprogram
echo "status $?"
/etc
echo "status $?"
./nowhere
echo "status $?"

section options
(
    set -e
    echo before
    false
    echo never
)
echo "set -e: $?"
(
    set -e
    if false; then :; fi
    false || true
    ! true
    echo survived
)
(
    set -u
    echo "$nosuchvariable"
    echo never
)
echo "set -u: $?"
(
    set -x
    a=1
    echo "traced $a" >&2
    [ $a = 1 ] && for i in 1 2; do : $i; done
)
(
    set -n
    echo never
)
(
    set -a
    exported=yes
    sh -c 'echo $exported'
)
sh -c 'echo $0 $1 $#' zero one
echo 'echo from stdin' | sh
echo 'echo "script $0 $*"; exit 4' >script
sh script x y
echo "status $?"
sh -c 'echo unfinished "'
echo "status $?"
sh -c 'if then'
echo "status $?"
