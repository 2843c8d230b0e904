# A Rust program that starts others: scripts of its own making, statuses, signals, and what it asks of the system.
exec 2>&1 </dev/null
cat > justfile << 'END'
x := `seq 1 3 | tr '\n' ' '`
default: a b
    @echo "{{x}} done"
a:
    #!/bin/sh
    echo shebang
    read line < justfile; echo "$line"
b:
    echo b; exit 0
fail:
    exit 7
killed:
    kill -9 $$
about:
    @echo {{arch()}} {{os()}} {{sha256("x")}} {{uppercase("abc")}} {{env("TZ")}} {{path_exists("/bin/sh")}}
    @echo {{sha256_file("/bin/busybox")}} | wc -c
slow:
    touch begun; exec sleep 30
[parallel]
both: a b
END
echo "== running"
just; echo $?; just about; just --list; just --dump | md5sum; just -n default; just both | sort
echo "== failing"
just fail; echo $?; just killed; echo $?; just nothing; echo $?; cd /; just; echo $?; cd - > /dev/null
echo "== signals"
just slow & pid=$!
until [ -e begun ]; do sleep 0.1; done
kill -TERM $pid; wait $pid; echo $?
mkdir deep; cd deep; just b; echo $?; printf 'f:\n\techo formatted\n' > j; just -f j f
