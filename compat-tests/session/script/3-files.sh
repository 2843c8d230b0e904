section files
mkdir -p tree/one/two tree/three
echo text >tree/one/file
ln tree/one/file tree/hard
ln -s one/file tree/soft
ln -s nowhere tree/dangling
ln -s loop loop
cat loop
echo "status $?"
cat tree/dangling
cat tree/one/file/below
mkdir tree/one
mkdir a/b/c
rmdir tree/one
rm tree/one
stat -c '%n %F %s %a %h %U:%G' tree/one/file tree/soft tree/hard
stat -L -c '%F %s' tree/soft
readlink tree/soft
readlink -f tree/soft
[ tree/hard -ef tree/one/file ] && echo "same inode"
[ "$(stat -c %i tree/hard)" = "$(stat -c %i file)" ] || echo "different inode"
touch -d '2024-02-29 12:34:56' tree/one/file
stat -c '%y %Y' tree/hard
date -r tree/hard
touch -d @0 epoch
[ file -nt epoch ] && echo newer
chmod 4755 tree/hard
stat -c '%a %A' tree/hard
chmod u-s,g+w,o= tree/hard
stat -c %A tree/hard
chmod 1777 tree/three
stat -c %A tree/three
(
    umask 077
    touch private
    mkdir hidden
    stat -c %a private hidden
)
umask
umask -S
chown 1000:1000 tree/hard
stat -c %u:%g tree/one/file
chown 12:34 -h tree/soft
stat -c %u:%g tree/soft tree/one/file
mv tree/three tree/one/
mv tree/one tree/eins
mv nowhere x
cp -a tree copy
diff -r tree copy
find copy -type l | sort
mv tree copy/tree/x
(
    cd copy/eins && pwd && cd - >/dev/null && pwd
    cd /tmp/../tmp/./session && pwd -P
)
cd nosuchdir
find copy | xargs touch -h -d '2024-03-01 00:00:00'
ls -1 tree
ls -l copy | sed 's/ \{2,\}/ /g' | tail -n +2
ls -a tree | head -n 3
ls -ld epoch
du -k tree/eins/file
exec 6<file
rm file
cat <&6
exec 6<&-
echo back >file
truncate -s 5000 file
wc -c <file
tail -c 3 file | od -c
name255=$(printf 'n%.0s' $(seq 255))
touch $name255 && echo "255 fits"
touch ${name255}n
rm $name255
printf '%s\n' a b c >--
cat ./--
rm ./--
mktemp -d /tmp/session/made.XXXXXX | wc -c
mktemp
test -s empty || echo "empty file"
find tree -name '*o*' | sort
find tree -type f -newer epoch -exec basename {} \; | sort
find . -maxdepth 1 -size +4k
find tree -perm 640 -print0 | xargs -0 -n 1 echo perm
find copy -depth -type d | tail -n 1
find copy -delete
ls copy
flock file echo locked
realpath tree/../tree/eins
rm -r tree
ls tree
