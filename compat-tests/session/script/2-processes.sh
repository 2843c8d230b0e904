section subshells
v=outer
(
    v=inner
    cd /
    echo "$v $PWD"
)
echo "$v $PWD"
out=$(
    echo kept
    echo gone >&2
    exit 5
)
echo "$out $?"
(exit 300)
echo $?
sh -c 'kill -TERM $$'
echo $?
{ v=grouped; }
echo $v
(
    trap 'echo bye' EXIT
    echo hello
)
(
    ulimit -n 20
    ulimit -n
)
[ $(ulimit -n) -gt 20 ] && echo "limit kept outside"
env -i A=1 B='two words' /usr/bin/env | sort
env -i sh -c 'echo ${A-none}'
A=2 sh -c 'echo $A'
echo ${A-none}

section jobs
# Whether the shell tells of a killed job depends on who comes first, the signal or `wait`: so no message there.
sleep 0.1 &
first=$!
(exit 6) &
second=$!
wait $second
echo "second $?"
wait $first
echo "first $?"
sleep 100 &
kill $!
wait $! 2>/dev/null
echo "terminated $?"
sleep 100 &
kill -9 $!
wait $! 2>/dev/null
echo "killed $?"
for n in 3 2 1; do (
    sleep 0.$((n * 3))
    echo "job $n"
) & done
wait
echo "all done"
wait 999999
echo "not mine: $?"
sleep 100 &
kill -STOP $!
until_true '[ "$(state_of $!)" = T ]' && echo stopped
kill -CONT $!
until_true '[ "$(state_of $!)" = S ]' && echo running
kill -0 $! && echo there
kill $!
wait $! 2>/dev/null
kill -0 $! 2>/dev/null
echo "gone $?"
timeout 0.3 sleep 100
echo "timeout $?"
timeout 10 sh -c 'exit 3'
echo "in time $?"
timeout -s KILL 0.3 sleep 100
echo "killed $?"
nohup sh -c 'kill -HUP $$; echo survived the hangup' </dev/null 2>/dev/null
echo "status $?"
setsid sh -c '[ $$ = $(cut -d" " -f6 /proc/$$/stat) ] && echo session leader'
nice -n 5 sh -c 'cut -d" " -f19 /proc/self/stat'

section traps
sh -c 'trap "echo got usr1" USR1; kill -USR1 $$; sh -c "kill -USR1 \$PPID"; echo after'
sh -c 'trap "echo caught; exit 9" TERM; kill -TERM $$; echo never'
echo $?
sh -c 'trap "" INT; kill -INT $$; echo ignored; sh -c "kill -INT \$\$; echo inherited"'
sh -c 'trap "echo int" INT; trap - INT; kill -INT $$; echo never'
echo $?
sh -c 'trap "echo exiting with \$?" EXIT; exit 12'
echo $?
sh -c 'trap "echo hup" HUP; trap "echo exit" 0; trap'
sh -c 'trap "echo woken" USR1; sleep 100 & s=$!; (usleep 200000; kill -USR1 $$) & wait $s; echo "status $?"; kill $s' 2>&1
sh -c 'trap "echo child" CHLD; true & wait; :'
sh -c 'trap "echo broken pipe >&2" PIPE; while echo x; do :; done' | head -n 1
kill -l 9
kill -l 15
kill -l USR1

section fifos
mkfifo pipe
stat -c '%F %a' pipe
(
    echo through >pipe
    echo more
) >aside &
cat pipe
wait
cat aside
(for i in 1 2 3; do echo $i; done >pipe) &
while read -r n; do echo "got $n"; done <pipe
wait
mkfifo back
(while read -r q; do echo "re: $q"; done <pipe >back) &
exec 7>pipe 8<back
echo ping >&7
read -r a <&8
echo "$a"
echo pong >&7
read -r a <&8
echo "$a"
exec 7>&- 8<&-
wait
rm pipe back
