# A Go program: goroutines over a tree of files, the collector made to work, pipes, and death by a signal.
exec 2>&1 </dev/null
echo "== files"
mkdir -p src/a src/b
for i in $(seq 1 40); do printf 'if true;then\necho %s;fi\nfor i in 1 2 3;do echo $i;done\n' $i > src/a/$i.sh; done
cp src/a/*.sh src/b/; mkdir src/none; chmod 0 src/none
shfmt -l src | wc -l; shfmt -w src; echo $?; cat src/a/7.sh; shfmt -d src; echo $?
echo "== pipes"
echo 'if' | shfmt; echo $?
echo 'a(){ b;}' | shfmt -tojson | md5sum
seq 1 5000 | sed 's/.*/if x & ;then y &;fi/' | shfmt | md5sum
shfmt /nothing; echo $?; echo 'x()  { y;}' | shfmt > /dev/full; echo $?
echo "== collector"
GOGC=1 shfmt -l src; echo $?
seq 1 3000 | sed 's/.*/case & in a) b;; esac/' > long.sh; GOGC=1 GOMAXPROCS=4 shfmt long.sh | md5sum
GODEBUG=gctrace=1 GOGC=1 shfmt long.sh 2>&1 >/dev/null | grep -q '^gc 1 ' && echo traced
GOMEMLIMIT=20MiB shfmt long.sh | md5sum
echo "== signals"
for signal in HUP TERM KILL; do
	mkfifo $signal; shfmt < $signal & pid=$!
	exec 3> $signal; sleep 0.5; kill -$signal $pid; wait $pid; echo $?; exec 3>&-
done
mkfifo QUIT; shfmt < QUIT > trace 2>&1 & pid=$!
exec 3> QUIT; sleep 0.5; kill -QUIT $pid; wait $pid; echo $?; exec 3>&-; head -1 trace; grep -c '^goroutine 1 ' trace
