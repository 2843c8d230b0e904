# bash at work: what it asks of a kernel beyond running commands.
exec 2>&1 </dev/null
shopt -s extglob globstar nullglob

echo "== arrays"
a=(one two "three four"); a+=(five)
echo "${#a[@]} ${a[2]} ${a[*]:1:2} ${!a[*]} ${a[*]^^}"
declare -A m=([x]=1 [y]=2)
for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort
printf '%q\n' "a b" $'c\nd' "it's"
mapfile -t numbers < <(seq 1 3000); echo "${#numbers[@]} ${numbers[2999]}"

echo "== process substitution"
diff <(printf '1\n2\n3\n') <(printf '1\n3\n'); echo "diff $?"
cat <(echo a) <(echo b) <(cat <(echo c))
tee >(tr a-z A-Z > up; echo > done) <<< "through tee"; until [ -e done ]; do sleep 0.05; done; cat up

echo "== coprocess"
coproc C { while read -r line; do echo "got $line"; done; }
echo hello >&"${C[1]}"; read -r reply <&"${C[0]}"; echo "$reply"
pid=$C_PID; eval "exec ${C[1]}>&-"; wait "$pid"; echo "status $?"

echo "== waiting"
(sleep 0.6; exit 3) & slow=$!
(sleep 0.1; exit 4) & quick=$!
wait -n -p which; echo "$? $((which == quick))"
wait -n; echo $?
wait -n; echo $?
wait "$slow"; echo $?
(kill -9 $BASHPID) & wait $! 2> /dev/null; echo $?
for i in {1..20}; do (exit "$i") & done; wait; echo "all"

echo "== traps"
trap 'echo usr1' USR1; kill -USR1 $$
trap 'echo err $LINENO' ERR; false; trap - ERR
trap 'echo int' INT; kill -INT $BASHPID; trap - INT
trap 'echo chld' CHLD; sleep 0; trap - CHLD
(trap 'echo leaving; exit 5' TERM; kill $BASHPID; echo not here); echo $?
( trap 'echo out' EXIT; exit 2 ); echo $?

echo "== subshells"
echo "$((BASHPID == $$)) $BASH_SUBSHELL"; (echo "$((BASHPID == $$)) $BASH_SUBSHELL")
x=$(exit 7); echo $?
bash-static -c 'exec true; echo no'; echo $?
nothing-of-this-name; echo $?
/opt; echo $?
set -o pipefail; false | true; echo "$? ${PIPESTATUS[*]}"; set +o pipefail
yes | head -1; echo "${PIPESTATUS[*]}"

echo "== reading"
read -t 0.2 line < <(sleep 1); echo $?
read -r -n 3 line <<< abcdef; echo "$line"
read -r -d : line <<< "a b:c"; echo "$line"
IFS=, read -r one two <<< "1,2,3"; echo "$one|$two"
read -t 0 < /dev/null; echo $?
cat << END
$((6 * 7)) ${a[0]} $(echo substituted)
END
cat << 'END'
$x `raw`
END
{ head -c 100000 /dev/zero | tr '\0' x; echo; } > big; cat <<< "$(< big)" | wc -c

echo "== files"
mkdir -p g/a/b; touch g/{1,2,3}.txt g/a/b/x.c; echo g/**/*.c g/!(1).txt none*
exec 5<> both; echo data >&5; exec 5>&-; cat both
exec {fd}< /dev/null; echo $((fd >= 10)); exec {fd}<&-
set -C; echo a > fresh; echo b > fresh; echo $?; set +C
[ -e g/1.txt ] && [ ! g/1.txt -nt g/2.txt ] && test -x /bin/sh && echo tests
umask 027; touch masked; stat -c %a masked
ulimit -n 64; ulimit -n; { (ulimit -f 1; dd if=/dev/zero of=large bs=1k count=4); } 2> /dev/null; echo $?
pushd g > /dev/null; dirs | wc -w; popd > /dev/null

echo "== jobs"
cat > jobs.sh << 'END'
set -m
sleep 5 & sleep 6 &
jobs
kill %1; wait %1; echo $?
kill -STOP %2
for i in {1..200}; do jobs %2 > state; grep -q Stopped state && break; sleep 0.05; done; cat state
kill -CONT %2; kill -KILL %2; wait %2 2> /dev/null; echo $?
END
bash-static jobs.sh

echo "== computing"
f() { local n=$1; if ((n <= 1)); then echo 1; else echo $((n * $(f $((n - 1))))); fi; }; f 15
sum=0; for ((i = 0; i < 20000; i++)); do ((sum += i)); done; echo $sum
[[ abc123 =~ ^([a-z]+)([0-9]+)$ ]]; echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
printf '%(%Y-%m-%d)T %s|%5d|%-5s|%x\n' 86400 s 42 ab 255
select choice in first second; do echo "$choice"; break; done <<< 2
