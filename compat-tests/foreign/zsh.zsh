# zsh at work. Its static build has some of its modules only.
exec 2>&1 </dev/null
setopt extended_glob

echo "== parameters"
typeset -A h; h=(a 1 b 2); print -l ${(ok)h} ${(ov)h}
list=(3 1 2); print ${(o)list} ${#list} ${list[-1]} ${(j:,:)list} ${(s:.:):-x.y.z}
print ${(l:10::0:)list[1]} ${(U):-abc} ${${:-abc}[2,3]} ${${:-hello}/l*/L} ${(q):-a b}
print $((2**40)) $((16#ff)) $((7.0 / 2))
cat <<< "$(print -l {1..5})"

echo "== globbing"
mkdir -p d1/d2 empty; print -n 12345 > a.txt; touch b.txt c.txt d1/d2/deep.c; ln -s a.txt link; chmod 600 c.txt; mkfifo pipe
print **/*.c; print *(/); print *(@); print *(.L0); print *(p); print *(f600) ; print *.txt~*b*; print (#i)A*; print none*(N)
print *(.oL[-1]) ; print d1/**/*(.:t:r)

echo "== modules"
for m in zsh/datetime zsh/stat zsh/files zsh/sched zsh/parameter zsh/langinfo zsh/zpty zsh/system zsh/mathfunc; do
	zmodload $m 2>/dev/null; print $m $?
done
zstat -H s a.txt; print $s[size] $(( s[mode] & 8#777 ))
print $((EPOCHSECONDS > 1000000000)) ; zf_mkdir made; zf_mv made moved; zf_rmdir moved; print $?
print $(( $+commands[ls] )) $+functions[nothing] $modules[zsh/main]

echo "== processes"
diff =(echo 1) =(echo 2) | tail -n +3; print $pipestatus
cat <(print one) <(print two)
coproc cat; print -p hello; read -p reply; print $reply; coproc exit
{ sleep 0.1; exit 3 } & wait $!; print $?
( exit 9 ); print $?
(kill -KILL $sysparams[pid] $(sh -c 'echo $PPID')) 2>/dev/null; print $?
print one | { read a; print got $a; }; print multiple > x1 > x2; cat x1 x2
repeat 20 { : & }; wait; print waited

echo "== signals"
trap 'print usr1' USR1; kill -USR1 $$
TRAPUSR2() { print usr2 $1 }; kill -USR2 $$
read -t 1 x < <(sleep 3); print $?
{ { false } always { print cleanup } }; print $?
sleep 5 & kill $!; wait $!; print $?

echo "== computing"
integer i; for ((i = 0; i < 20000; i++)); do :; done; print $i
[[ abc123 == (#b)([a-z]##)([0-9]##) ]]; print $match
f() { (( $1 < 2 )) && { print 1; return }; print $(( $1 * $(f $(( $1 - 1 ))) )) }; f 10
ulimit -n; umask
