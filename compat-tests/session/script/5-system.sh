section proc
grep -E '^(Name|Umask|Uid|Gid|Groups|Threads|SigBlk|NSpid):?' /proc/self/status | grep -v NSpid
cat /proc/self/comm
cat /proc/self/cmdline | tr '\0' ' '
echo
readlink /proc/self/cwd
readlink /proc/self/exe
[ "$(readlink /proc/self)" != "$$" ] && echo "self is the child"
sh -c '(sleep 0.2; ls /proc/$$/fd) | tr "\n" " "; exec 9< /dev/null; readlink /proc/$$/fd/9; cat /proc/$$/fdinfo/9 | grep -c pos' </dev/null
env -i X=1 cat /proc/self/environ | tr '\0' '\n'
grep -c '\[stack\]' /proc/self/maps
cut -d' ' -f2 /proc/self/stat
cat /proc/sys/kernel/ostype
cut -c1-4 /proc/sys/kernel/osrelease
uname -s -m
grep -c ^processor /proc/cpuinfo
grep -w -E '[[:space:]](tmpfs|proc|sysfs|devpts)' /proc/filesystems
grep -E '^(MemTotal|MemFree|MemAvailable|Buffers|Cached|SwapTotal):' /proc/meminfo | tr -s ' 0-9' ' #'
cat /proc/nowhere
awk 'NF == 2 && $1 > 0 { print "uptime" }' /proc/uptime
awk 'NF == 5 { print "loadavg" }' /proc/loadavg
free | tr -s ' 0-9' ' #'
[ $(free | awk '/^Mem/ { print $2 }') -gt 100000 ] && echo "memory"
cat /proc/self/oom_score_adj
hostname | wc -l
id
whoami
tty
echo x >/proc/self/comm
echo 1 >/proc/version
ps -o ppid,comm | awk -v me=$$ '$1 == me && $2 == "ps" { print $2 }'
ps -o pid,user,comm | awk '$1 == 1'
ps | head -n 1
pgrep -x nosuchname
echo "status $?"
sleep 77 &
until_true '[ "$(pidof sleep)" = "$!" ]' && echo "the sleeper is found"
kill $!
wait
ls -d /proc/1 /proc/self/task/* | head -n 1
test -r /proc/kmsg && echo kmsg
ls /sys | grep -c -E '^(kernel|devices)$'
stat -c '%F %t:%T %a' /dev/null /dev/zero /dev/full /dev/tty /dev/console
head -c 3 /dev/zero | od -c
[ "$(head -c 16 /dev/urandom | md5sum)" != "$(head -c 16 /dev/urandom | md5sum)" ] && echo random
mknod node c 1 3 && echo gone >node
stat -c %t:%T node
echo >/dev/tty
ls /dev/nosuch
test -w /dev/null -a -c /dev/null && echo device

section mounts
mkdir mnt
mount -t tmpfs -o size=1m,mode=755 tmpfs mnt
grep ' /tmp/session/mnt ' /proc/mounts | cut -d' ' -f1-3
df -k mnt | tail -n 1 | tr -s ' '
echo inside >mnt/f
dd if=/dev/zero of=mnt/big bs=64k 2>/dev/null
echo "status $?"
df mnt | tail -n 1 | tr -s ' '
stat -c %s mnt/big
rm mnt/big
stat -f -c '%T %S' mnt
mountpoint mnt
mountpoint unpacked
mv mnt/f crossed && cat crossed
ln crossed mnt/hard
(cd mnt && umount /tmp/session/mnt)
echo "busy $?"
mount -o remount,ro mnt
echo x >mnt/x
touch mnt/y
mount -o remount,rw mnt
touch mnt/y && echo writable
umount mnt
ls mnt
umount mnt
echo "status $?"
mount -t nosuchfs none mnt
echo "status $?"
mkdir bound
mount --bind unpacked bound
ls bound
umount bound
ls bound
mount -t tmpfs none nowhere
echo "status $?"
sync
echo synced
mkdir jail jail/bin
cp /bin/busybox jail/bin/
chroot jail /bin/busybox ls /
chroot jail /nothing
echo "status $?"

section permissions
echo secret >secret
chmod 600 secret
mkdir locked
touch locked/in
chmod 700 locked
mkdir -m 1777 sticky
echo root >sticky/root
chmod 644 sticky/root
mkdir -m 777 open
echo 'echo run' >noexec
chmod 644 noexec
printf '#!/bin/sh\necho "interpreted $0"\n' >exec
chmod 755 exec
cat >as_user <<'END'
cd /tmp/session
id -u
id -g
cat secret
echo "read $?"
echo x > secret
ls locked
cat locked/in
cd locked
rm sticky/root
mv sticky/root sticky/mine
echo mine > sticky/mine && rm sticky/mine && echo "own removed"
cat sticky/root
echo x > sticky/root
echo made > open/made && stat -c '%u:%g %a' open/made
chmod 600 open/made
chown 0 open/made
chown 1000 secret
chmod 777 secret
kill -0 1
kill -9 $PPID 2>/dev/null
echo "status $?"
./noexec
echo "status $?"
./exec
mkdir /nope
rm /etc/passwd < /dev/null
mount -t tmpfs none open
echo "mount $?"
chroot / true
nice -n -5 true
hostname other
mknod n c 1 3
date -s '2000-01-01'
ls /root > /dev/null
readlink /proc/1/exe
ulimit -n 4096000
touch -d @0 secret
ln secret open/link && cat open/link
setsid id -u
test -w secret || echo "not writable"
test -x exec && echo executable
cat /etc/shadow
END
su -s /bin/sh user -c 'sh /tmp/session/as_user'
echo "su $?"
cat secret
su nosuchuser
echo "status $?"
# /tmp is mounted nosuid and nodev; a file system mounted here is not.
mkdir suid
mount -t tmpfs tmpfs suid
cp /bin/busybox open/su
cp /bin/busybox suid/su
su -s /bin/sh user -c 'suid/su nosuchuser'
chmod 4755 open/su suid/su
su -s /bin/sh user -c 'open/su nosuchuser; suid/su nosuchuser; grep -E "^(Uid|Gid)" /proc/self/status'
mknod suid/null c 1 3 && echo gone >suid/null && stat -c %s suid/null
umount suid
chgrp 12 open
chmod 2777 open
su -s /bin/sh user -c 'mkdir open/dir && stat -c "%g %a" open/dir'

section end
cd /
rm -rf $base
ls -d $base
exit 42
