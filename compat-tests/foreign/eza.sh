# A Rust program without position-independent code: attributes of files, trees of them.
exec 2>&1 </dev/null
for d in 1 2 3 4; do mkdir -p t/d$d/e; for f in 1 2 3; do echo "$d $f" > t/d$d/e/f$f.txt; done; done
ln -s d1 t/link; ln -s nothing t/broken; chmod 4755 t/d1/e/f1.txt; mkfifo t/fifo; mkdir t/sticky; chmod 1777 t/sticky
touch -d '2001-02-03 04:05:06' t/d2/e/f2.txt; chown 1000:1000 t/d3; head -c 100000 /dev/zero > t/large
echo "== listing"
eza t; eza -1 --group-directories-first t; eza --tree -L 3 t
echo "== attributes"
eza -lb --no-time --group t; eza -l --no-time --octal-permissions -R t/d1; eza -l --no-user --time-style long-iso t/d2/e/f2.txt
eza -lH --no-time --no-user --blocksize t/d1/e; eza --sort size -r -1 t | head -1
echo "== others"
eza nothing; echo $?; eza -l --no-time --no-user /dev/null /dev/zero; eza -d /proc/self/exe; eza -R / 2>/dev/null | head -1 | wc -l
chmod 0 t/d4; eza t/d4 | wc -l; COLUMNS=20 eza --grid --color=always t/d1/e
