# BusyBox as Debian builds it, with glibc.
exec 2>&1 </dev/null
echo "== shell"
busybox | head -1; echo $((6 * 7)); id; whoami; busybox hostname; busybox --list | wc -l
f() { [ $1 -lt 2 ] && echo 1 || echo $(($1 * $(f $(($1 - 1))))); }; f 8
(exit 3); echo $?; sh -c 'kill -9 $$'; echo $?
echo "== text"
seq 1 20000 | busybox sort -r | busybox md5sum
busybox awk 'BEGIN { for (i = 0; i < 50000; i++) s += i; print s, sin(1), "x" ~ /[a-z]/ }'
printf 'b 2\na 1\nc 3\n' | busybox sort -k2n | busybox sed 's/\([a-z]\) \([0-9]\)/\2\1/'
busybox grep -rn root /etc/passwd | busybox cut -d: -f1-4
busybox expr 3 \* 4; busybox printf '%05.1f\n' 3.14159; busybox factor 1234567; echo '2 3 + p' | busybox dc
echo "== archives"
mkdir -p tree/sub; for i in 1 2 3 4 5; do seq $i 1000 > tree/sub/$i; done; ln -s sub/1 tree/link
busybox tar czf t.tgz tree; rm -r tree; busybox tar xzf t.tgz; busybox find tree | busybox sort | busybox md5sum; busybox cat tree/link | busybox tail -1
busybox dd if=/dev/zero bs=64k count=64 2>/dev/null | busybox gzip -c | busybox gunzip -c | busybox sha256sum
busybox find tree -type f | busybox cpio -o -H newc 2>/dev/null | busybox cpio -t 2>/dev/null | busybox wc -l
echo "== processes"
busybox seq 1 30 | busybox xargs -n 1 -P 8 busybox sh -c 'exit 0'; echo $?
busybox timeout 1 busybox sleep 5; echo $?
busybox nice -n 5 busybox nice; busybox setsid busybox sh -c 'echo session'; busybox env -i A=b busybox env
busybox ps | busybox grep -c busybox > count; busybox test -s count && echo counted
echo "== files"
busybox date -u -d @86400; busybox mkfifo p; (echo through > p) & busybox cat p; wait
busybox truncate -s 1M sparse; busybox stat -c '%s %a %F' sparse; busybox du sparse | busybox cut -f1; busybox df . | busybox wc -l
busybox mount | busybox grep -c proc; busybox free | busybox head -1; busybox uptime | busybox grep -c load
