#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Ports over vsock: the guest has no network, and its server answers on the host all the same.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
t_begin ports

check "create" smolsh create web
smolsh exec web -- sh -c 'mkdir /www && echo "hello from the guest" >/www/index.html && head -c 5000000 /dev/urandom >/www/blob && httpd -p 127.0.0.1:80 -h /www'
want=$(smolsh exec web -- sha256sum /www/blob | cut -c1-64)

expect_exit 0 "forward" smolsh forward web 0:80
expect_out "forward: prints where" '^1  http://127\.0\.0\.1:[0-9]+/ -> web:80$'
port=$(sed -E 's|.*:([0-9]+)/ .*|\1|' <<<"$t_out")
get() { curl -s --max-time 30 "http://127.0.0.1:$port/$1"; }
same "an HTTP server in the guest answers curl on the host" "$(get index.html)" "hello from the guest"
same "5 MB through it, intact" "$(get blob | sha256sum | cut -c1-64)" "$want"
pids=()
for i in $(seq 100); do
	get index.html >"$t_dir/c$i" &
	pids+=($!)
done
for p in "${pids[@]}"; do wait "$p"; done
same "100 connections at once: each is answered" "$(cat "$t_dir"/c* | grep -c 'hello from the guest')" 100

expect_exit 125 "a port that is taken is said at once" timeout 5 "$SMOLSH_BUILD/smolsh" forward web "$port:80"
expect_err "a port that is taken: by whom, and the mend" 'in use; try: smolsh forward stop web 1, or another port'
expect_err "a port that is taken: said so" 'in use'
for spec in x:80 80 80: :80 70000:80 8080:0 8080:99999 1.2.3:80:80; do
	smolsh forward web "$spec" >"$t_dir/out" 2>"$t_dir/err"
	code=$?
	check "forward $spec is refused" test $code -eq 2 -o $code -eq 125
done
expect_exit 0 "forward to a port nobody listens on in the guest" smolsh forward web 0:4444
dead=$(sed -E 's|.*:([0-9]+)/ .*|\1|' <<<"$t_out")
curl -s --max-time 10 "http://127.0.0.1:$dead/" >/dev/null
check "a port nobody listens on: the connection ends" test $? -eq 52 -o $? -eq 56
expect_exit 0 "forward from a Unix socket" smolsh forward web "$t_dir/web.sock:80"
same "through the Unix socket" "$(curl -s --max-time 10 --unix-socket "$t_dir/web.sock" http://x/)" "hello from the guest"
same "the Unix socket is its owner's" "$(stat -c %a "$t_dir/web.sock")" 600

# The reverse: a server on the host, reached from the guest.
mkdir "$t_dir/host"
echo "hello from the host" >"$t_dir/host/index.html"
socat -t 20 UNIX-LISTEN:"$t_dir/echo.sock",fork EXEC:cat &
socat=$!
check "a server on the host" t_until test -S "$t_dir/echo.sock"
expect_exit 0 "forward -R" smolsh forward -R web "$t_dir/echo.sock:9000"
expect_out "forward -R: prints where" 'web:9000 -> '
same "the guest reaches the host's server" "$(timeout 20 "$SMOLSH_BUILD/smolsh" exec web -- sh -c 'echo over and back | nc 127.0.0.1 9000')" "over and back"
expect_exit 125 "forward -R: a port taken in the guest is said at once" timeout 10 "$SMOLSH_BUILD/smolsh" forward -R web "$t_dir/echo.sock:80"
expect_err "forward -R: a port taken in the guest: said so" 'in use'
kill "$socat"
wait "$socat" 2>/dev/null

expect_exit 0 "forward list" smolsh forward list
expect_out "forward list: one of them" "^ *1  127\.0\.0\.1:$port +web:80$"
expect_out "forward list: the reverse" "^ *[0-9]+  web:9000 +$t_dir/echo.sock$"
expect_exit 0 "forward list --json" smolsh --json forward list web
expect_out "forward list --json: the reverse" '"reverse":true'
expect_exit 0 "forward stop" smolsh forward stop web 1
curl -s --max-time 5 "http://127.0.0.1:$port/" >/dev/null
same "forward stop: nothing answers there" $? 7
expect_exit 125 "forward stop: an id there is none of" smolsh forward stop web 99
# Its port is free at once, and nothing of it stays open in the monitor.
held() { find "/proc/$(t_pid web monitor)/fd" -mindepth 1 | wc -l; }
before=$(held)
n=$(smolsh forward web "$port:80" | cut -d' ' -f1)
check "forward stop: the next" smolsh forward stop web "$n"
again=$(seq -f "forward web $port:80; forward stop web %g" $((n + 1)) $((n + 20)))
expect_exit 0 "forward stop: its port can be had again at once" smolsh -c "$again"
same "forward stop: no descriptor is left" "$(held)" "$before"

# The agent is restarted: the next connection finds the new one.
expect_exit 0 "forward again" smolsh forward web "$port:80"
smolsh exec web -- sh -c 'for p in /proc/[0-9]*; do p=${p#/proc/}; [ "$p" -gt 1 ] && [ "$(readlink /proc/$p/exe)" = /init ] && kill -9 $p; done' >"$t_dir/kill" 2>&1
# The guest's server may have gone with the agent.
smolsh exec web -- sh -c 'ps | grep -q "[h]ttpd" || httpd -p 127.0.0.1:80 -h /www'
check "after the agent's restart the port answers" t_until get index.html

# kill -9 of the relay: said in the list, and nothing else is harmed.
relay=$(for p in $(t_processes); do case $(readlink "/proc/$p/exe") in */smolsh-forward) echo "$p" ;; esac; done | head -n 1)
check "a relay process is there" test -n "$relay"
kill -9 "$relay"
expect_exit 0 "kill -9 of a relay: the VM goes on" smolsh exec web -- true

check "stop" smolsh stop --force web
check "no relay outlives its VM" t_until t_no_processes
check "the Unix socket is gone" test ! -e "$t_dir/web.sock"
expect_exit 125 "forward on a stopped VM" smolsh forward web 0:80
expect_err "forward on a stopped VM: the mend" 'smolsh start web'
expect_exit 0 "forward list with nothing running" smolsh forward list
same "forward list: empty" "$t_out" "ID  FROM  TO"

t_end
