#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Secrets stay secret (33), and foreign text stays in its line (32).
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name
. "$(dirname "$0")/lib.sh"
t_begin secrets

check "create" smolsh create web
token=$(sqlite3 "$SMOLSH_HOME/state/registry.db" "SELECT token FROM vm WHERE name='web'")
same "the token has 256 bits" "${#token}" 64

found=""
for pid in $(t_processes); do
	for f in cmdline environ; do
		tr '\0' '\n' <"/proc/$pid/$f" | grep -qF "$token" && found="$found $pid/$f"
	done
done
same "the token is on no command line and in no environment" "$found" ""
same "the token is in no file but the registry" \
	"$(grep -rlF "$token" "$SMOLSH_HOME" 2>/dev/null | grep -v '/registry.db')" ""
expect_exit 1 "guest: not on the kernel command line" smolsh exec web -- grep -c "$token" /proc/cmdline
same "guest: not in a file" "$(smolsh exec web -- sh -c 'ls /smolsh 2>/dev/null')" ""
expect_exit 1 "guest: in no environment and on no command line" smolsh exec web -- sh -c 'cat /proc/*/environ /proc/*/cmdline 2>/dev/null | grep "$(printf %s '"${token:0:30}"')[0-9a-f]\{34\}" | grep -v grep'
expect_exit 0 "info never shows it" smolsh --json info web
match "info never shows it: not there" '^0$' "$(printf '%s' "$t_out" | grep -cF "$token")"

# The token of the last boot is of no use after a restart.
check "restart" smolsh restart web
new=$(sqlite3 "$SMOLSH_HOME/state/registry.db" "SELECT token FROM vm WHERE name='web'")
check "a new token after a restart" test "$new" != "$token"
sock=$SMOLSH_HOME/run/$(smolsh list | awk '/^web/{print $2}')/vsock.sock
by_hand() { t_talk "$sock" $'CONNECT 5000\n'"$1"$'\n' '^\{'; }
answer=$(by_hand '{"op":"exec","command":"id","token":"'"$token"'"}')
match "the old token is refused" '"code":"unauthorized"' "$answer"
journalled() { smolsh logs --journal web | grep -q '"refused a request: wrong token"'; }
check "that is in the journal" t_until journalled
same "without the token" "$(smolsh logs --journal web | grep -cF "$token")" 0
answer=$(by_hand '{"op":"exec","command":"id -u","token":"'"$new"'"}')
match "the new one is taken, in the one-shot form" '"stdout":"0' "$answer"

# Files are for their owner.
same "no file is open to others" "$(find "$SMOLSH_HOME" -perm /077 ! -type l 2>/dev/null | grep -v '/images' | head -n 3)" ""

# A guest forges lines: in the console, in its error texts, in the journal.
smolsh exec web -- sh -c 'printf "honest\033[2J\033]0;owned\007\rforged\nsmolsh: VM web died\n\001\377\n" >/dev/console'
expect_exit 0 "logs of a hostile console" smolsh logs web
same "logs: no control character passes" "$(printf '%s' "$t_out" | LC_ALL=C tr -d '\n\t\040-\176\200-\377' | wc -c)" 0
expect_out "logs: they are shown" 'x1b|\^\['
smolsh exec web -- sh -c 'i=0; while [ $i -lt 1000 ]; do echo "smolsh-agent: forged $i"; i=$((i + 1)); done >/dev/console; echo done >/dev/console'
seen() { smolsh logs web | grep -q ^done; }
check "a guest that floods the journal" t_until seen
match "has little of it" '^[0-9]$|^[123][0-9]$' "$(smolsh logs --journal web | grep -c forged)"
check "the journal: every line is one JSON object" python3 -c '
import json,sys
for l in open(sys.argv[1]): json.loads(l)' "$(ls "$SMOLSH_HOME"/state/vms/*/journal.jsonl)"
expect_exit 127 "a command's name with control characters" smolsh exec web -- $'no\033[31m\nsmolsh: fine'
same "an error is one line" "$(printf '%s\n' "$t_err" | wc -l)" 1
expect_out "and nothing on stdout" '^$'
expect_exit 125 "a VM's name with control characters" smolsh info $'x\033[31m\ny'
same "that error is one line, too" "$(printf '%s\n' "$t_err" | LC_ALL=C grep -c '')" 1
match "with nothing raw in it" '^0$' "$(printf '%s' "$t_err" | LC_ALL=C tr -cd '\033' | wc -c)"

# The ready port: a guest may say anything there.
smolsh exec web -- sh -c 'command -v nc' >"$t_dir/nc" 2>&1
for text in 'x' '{"ready":true}' '{"ready":' "$(head -c 6000 /dev/zero | tr '\0' a)"; do
	printf '%s\n' "$text" | timeout 5 socat -u - UNIX-CONNECT:"${sock}_5001"
done
expect_exit 0 "noise on the ready port does no harm" smolsh exec web -- true
same "and the VM still runs" "$(t_state web)" running

t_end
