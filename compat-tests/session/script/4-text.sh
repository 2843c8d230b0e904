section text
printf '%s\n' 'alpha 1' 'beta 22' 'gamma 333' >table
sed -n '2p;$=' table
sed -e 's/\([a-z]*\) \([0-9]*\)/\2 \1/' -e '/^22/d' table
sed '1i\
top
$a\
bottom' table
sed -i 's/beta/BETA/' table
cat table
echo 'a,b;c' | sed 'y/,;/  /;s/./[&]/2g'
awk '{ sum += $2; n[length($1)]++ } END { print sum, n[5], NR; printf "%05.2f|%-6s|%x\n", sum / 3, "left", 255 }' table
awk -F: '$3 == 0 { print $1, $NF }' /etc/passwd
awk 'BEGIN {
    while (("echo sub; echo shell" | getline l) > 0) print toupper(l)
    print substr("kernel", 2, 3), index("abc", "c"), match("foobar", /o+/), RLENGTH
    exit 3
}'
echo "status $?"
grep -n a table
grep -c 3 table
grep -v a table
grep -E '^(al|ga)' table
grep -o '[0-9]*' table
grep -q nothing table
echo "status $?"
grep x nowhere
echo "status $?"
grep -i -w beta table
grep -rl gamma .
cut -d' ' -f2 table
cut -c1-3 table
tr -d aeiou <table
tr -s 3 <table
tr '[:lower:]' '[:upper:]' <table
sort -k2 -n -r table
sort -t' ' -k1,1f table
printf '1\n1\n2\n' | uniq -d
paste table table
comm -12 table table
nl table
fold -w 4 table | head -n 3
tac table
head -n -1 table
tail -n +3 table
expand table
wc table
seq 10 | xargs -n 4 echo
echo 'a b c' | xargs -I{} echo "<{}>"
printf '5\n3\n' | xargs sh -c 'exit 1'
echo "status $?"
seq 4 | tee copy1 copy2 | tail -n 1
cmp copy1 copy2 && echo same
cp table new
sed -i 's/333/444/;$a\
delta 5' new
diff -u table new | tail -n +3
diff table new >change
echo "status $?"
patch table <change
cmp table new && echo patched
patch -R table <change
tail -n 1 table
echo 'one line' >edited
vi -c ':s/one/another/' -c ':wq' edited </dev/null >/dev/null 2>&1
cat edited
printf '%d %5.1f %-4s| %c %o %x %e %%\n' 42 3.14159 ab xyz 8 255 12345.678
printf '%b' 'tab\tnew\n'
printf '%s-' a b c
echo
printf %d notanumber
echo
expr 3 + 4 \* 2
expr length hello
expr abc : 'a\(.\)'
test 1 -lt 2 -a a = a && echo yes
[ ! '' ] && [ a '<' b ] && echo yes
[ 1 -eq x ]
echo "status $?"
echo 'a b  c' | {
    read -r p q
    echo "$p|$q"
}
echo 'x\ty' | {
    read l
    echo "$l"
}
read -r never </dev/null
echo "status $?"
basename /a/b.c .c
dirname /a/b.c
echo hello | rev
factor 360
cal 2 2024

section bytes
printf 'abc\0\377\n' >raw
od -A x -t x1 raw
od -c raw
hexdump -C raw
xxd raw
od -t u2 -N 4 raw
strings -n 3 raw
dd if=/dev/zero of=sparse bs=1 count=1 seek=1048575
stat -c '%s %b' sparse
dd if=raw bs=2 skip=1 count=1 2>/dev/null | od -c
echo XY | dd of=raw bs=1 seek=1 conv=notrunc 2>/dev/null
od -c raw
md5sum raw | cut -d' ' -f1
sha1sum raw
sha256sum raw | tee sums
sha256sum -c sums
sha512sum empty
cksum raw
crc32 raw
echo Serix | base64
echo U2VyaXgK | base64 -d
uuencode -m x <raw | tail -n +2
seq 1000 | gzip | gunzip | md5sum
mkdir pack
seq 2000 >pack/numbers
ln -s numbers pack/link
chmod 750 pack
touch -h -d @1000000000 pack/link pack/numbers pack
tar cf pack.tar pack/link pack/numbers
tar tvf pack.tar
md5sum pack.tar
tar czf pack.tgz pack
gzip -t pack.tgz && echo intact
mkdir unpacked
tar xzf pack.tgz -C unpacked
diff -r pack unpacked/pack && echo identical
tar xOf pack.tar pack/numbers | tail -n 1
stat -c '%a %Y' unpacked/pack/numbers
gzip -k pack/numbers
zcat pack/numbers.gz | cmp - pack/numbers && echo equal
gunzip -c raw
echo "status $?"
bzip2 -c pack/numbers | bunzip2 | md5sum
ls pack.tar | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null
head -c 70000 /dev/urandom >random
split -b 30000 random part.
cat part.* | cmp - random && ls part.*
head -c 100 /dev/zero | wc -c

section dates
date -d '2024-02-29 12:34:56' '+%s %F %T %j %u %a %b'
date -d @86400
date -u -d '1999-12-31 23:59:59' +%c
TZ=JST-9 date -d @1700000000 '+%F %T %Z'
date -d nonsense
echo "status $?"
a=$(date +%s)
sleep 1
b=$(date +%s)
[ $((b - a)) -ge 1 ] && echo "the clock runs"
time true
