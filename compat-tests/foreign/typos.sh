# A Rust program with a thread for each processor: a tree of files searched in parallel and changed.
exec 2>&1 </dev/null
for d in $(seq 1 20); do mkdir -p t/d$d/e; for f in 1 2 3 4 5; do echo "this is teh file $d $f recieve" > t/d$d/e/f$f.txt; done; done
ln -s d1 t/link; head -c 10000 /dev/urandom > t/binary; echo skipped teh > t/.hidden
echo "== searching"
typos --format brief t | wc -l; typos --format brief t | sort | head -2; typos -j 8 --format brief t | sort | md5sum; typos --files t | wc -l
echo "teh" | typos -; echo $?
typos --format brief nothing; echo $?
echo "== changing"
typos -w t > /dev/null; echo $?; cat t/d2/e/f3.txt; typos t; echo $?; typos --diff t; echo $?
