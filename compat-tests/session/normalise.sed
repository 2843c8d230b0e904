# What differs from run to run on Linux; applied (sed -E) to both sides before the shell session's output is compared.
# mktemp makes up a name.
s|/tmp/tmp\.[A-Za-z0-9]{6}$|/tmp/tmp.NAME|
# dd says how long it took.
s|[0-9.]+ seconds, [0-9.]+[KMG]?B/s$|TIME|
# time says how long the command took.
s/^(real|user|sys)\t[0-9]+m [0-9]+\.[0-9]+s$/\1\tTIME/
