# A Go program that starts others: dependencies side by side, pipes, checksums of files, signals passed on.
exec 2>&1 </dev/null
cat > Taskfile.yml << 'END'
version: '3'
silent: true
tasks:
  default: {deps: [a, b, c], cmds: ['echo all done', 'cat a.out b.out c.out']}
  a: {cmds: ['sleep 0.3 && echo A > a.out']}
  b: {cmds: ['/bin/busybox sleep 0.2', 'echo B > b.out']}
  c: {cmds: ['/bin/sh -c "echo C; echo err >&2" > c.out 2>&1'], sources: [Taskfile.yml], generates: [c.out]}
  fail: {cmds: ['/bin/sh -c "exit 5"']}
  killed: {cmds: ['/bin/sh -c "kill -9 \$\$"']}
  slow: {cmds: ['touch begun', '/bin/busybox sleep 30']}
  pipe: {cmds: ['/bin/busybox seq 1 2000 | /bin/busybox sort -rn | /bin/busybox head -2']}
  variable: {vars: {X: {sh: 'seq 1 3 | tr "\n" ","'}}, cmds: ['echo "{{.X}} {{.TASK}}"']}
  many: {cmds: [{for: [1, 2, 3, 4, 5, 6, 7, 8], cmd: '/bin/busybox echo item {{.ITEM}}'}]}
  glob: {cmds: ['for f in *.out; do echo $f; done']}
END
echo "== running"
task; echo $?
task c; task --force c; cat c.out
task pipe variable many glob; echo $?
echo "== failing"
task --exit-code fail; echo $?
task --exit-code killed; echo $?
task nothing 2>&1 | head -1
echo "== signals"
task slow & pid=$!
until [ -e begun ]; do sleep 0.1; done
sleep 0.5; kill -TERM $pid; sleep 0.5; pkill -f 'sleep 30'; wait $pid; echo $?
