#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Commands in a running VM: words, streams, exit codes, limits.
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name
. "$(dirname "$0")/lib.sh"
t_begin exec

check "create prints the name" test "$(smolsh create web)" = web

# Words are passed exactly.
expect_exit 0 "argv: exact words" smolsh exec web -- printf '[%s]' 'a b' '' '$HOME' '*' "it's" $'new\nline' 'back\slash' '--' -x
same "argv: nothing is split, expanded or lost" "$t_out" "[a b][][\$HOME][*][it's][new
line][back\\slash][--][-x]"
printf 'exec web -- printf "%%s|" "$(id)" `id` ~ \\*\n' >"$t_dir/script"
expect_exit 0 "argv: the language expands nothing" smolsh -f "$t_dir/script"
same "argv: as written" "$t_out" '$(id)|`id`|~|*|'
expect_exit 3 "one word is a line for the shell" smolsh exec web 'echo "$((1+2))" | tr 3 4; exit 3'
same "the shell line ran" "$t_out" 4
expect_exit 127 "one word behind -- is a program" smolsh exec web -- 'echo hello'
bytes=$(printf 'x\xff\xfey')
expect_exit 0 "argv: bytes that are not UTF-8" smolsh exec web -- printf %s "$bytes"
same "argv: they arrive" "$t_out" "$bytes"

# stdin: only -i reads it (pitfall 1), EOF is passed on (3).
printf 'one\ntwo\nthree\n' | { smolsh exec web -- cat; smolsh exec web -- true; cat; } >"$t_dir/rest"
same "without -i nothing reads stdin" "$(cat "$t_dir/rest")" 'one
two
three'
same "-i: stdin and its end reach the command" "$(printf 'abc' | smolsh exec -i web -- cat)" abc
head -c 5000000 /dev/urandom >"$t_dir/blob"
same "-i: 5 MB there and back" "$(smolsh exec -i web -- cat <"$t_dir/blob" | sha256sum)" "$(sha256sum <"$t_dir/blob")"
check "-i: a command that does not read its stdin" timeout 20 "$SMOLSH_BUILD/smolsh" exec -i web -- true <"$t_dir/blob"

# Timeouts fire whatever the streams do (2), and take the children along (12).
mkfifo "$t_dir/open"
exec 9<>"$t_dir/open"
timeout 30 "$SMOLSH_BUILD/smolsh" exec -i --timeout 1 web -- cat <&9 2>"$t_dir/err"
same "timeout with stdin held open: 124" $? 124
exec 9>&-
expect_exit 124 "timeout: the whole group is killed" timeout 30 "$SMOLSH_BUILD/smolsh" exec --timeout 1 web -- sh -c 'sleep 987 & sleep 987'
expect_err "timeout: said so" 'timeout'
expect_exit 1 "timeout: no child is left" smolsh exec web -- sh -c 'ps | grep -v grep | grep "sleep 987"'
expect_exit 124 "timeout: one that ignores TERM" timeout 30 "$SMOLSH_BUILD/smolsh" exec --timeout 0.5 web -- sh -c 'trap "" TERM; sleep 30; sleep 30'

# Output: 64 KiB and more (5), order at the end (8), a grandchild that keeps it open (7).
same "64 KiB and more" "$(smolsh exec web -- head -c 300000 /dev/zero | wc -c)" 300000
same "64 MiB, counted" "$(smolsh exec web -- head -c 67108864 /dev/zero | wc -c)" 67108864
smolsh exec web -- sh -c 'i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; exit 5' >"$t_dir/lines"
same "exit code behind much output" $? 5
same "the last line is there" "$(tail -n 1 "$t_dir/lines")" "line 299"
same "every line is there" "$(wc -l <"$t_dir/lines")" 300
expect_exit 0 "a grandchild holds stdout: no hang" timeout 20 "$SMOLSH_BUILD/smolsh" exec web -- sh -c 'echo before; sleep 100 & exit 0'
same "a grandchild holds stdout: output is there" "$t_out" before
expect_err "a grandchild holds stdout: said so" 'left behind|truncated'

# A line is there when it is written, and not when the command ends (11).
coproc LIVE { smolsh_bg exec web -- sh -c 'echo first; sleep 100'; }
live=$LIVE_PID
line=
read -rt 20 line <&"${LIVE[0]}"
same "a line comes while its command goes on" "$line" first
check "which it still does" kill -0 "$live"
kill -INT "$live"
wait "$live"
same "and can be interrupted" $? 130

# One slow command does not hold up the others (6).
smolsh_bg exec web -- sleep 1000 &
slow=$!
check "while one command sleeps, another answers" timeout 10 "$SMOLSH_BUILD/smolsh" exec web -- true
for i in 1 2 3 4 5 6 7 8; do
	smolsh_bg exec web -- sh -c "echo $i; exit $i" >"$t_dir/par$i" &
	pids[i]=$!
done
good=0
for i in 1 2 3 4 5 6 7 8; do
	wait "${pids[i]}"
	[ $? -eq "$i" ] && [ "$(cat "$t_dir/par$i")" = "$i" ] && good=$((good + 1))
done
same "eight at once: each its own output and exit code" $good 8
kill -INT "$slow" && wait "$slow"
same "SIGINT on a sleeping command: 130" $? 130

# A guest that stands still takes no connection, and Ctrl-C does not wait for that to be given up.
# shellcheck disable=SC2317 # called by its name
connected() { find "/proc/$slow/fd" -lname "socket:*" | grep -q .; }
qemu=$(t_pid web hypervisor)
kill -STOP "$qemu"
smolsh_bg exec web -- true 2>"$t_dir/err" &
slow=$!
t_until connected
kill -INT "$slow" && wait "$slow"
same "SIGINT while the guest does not take the connection: 130" $? 130
kill -CONT "$qemu"

# Exit codes (10).
for code in 0 1 2 77 124 125 255; do
	expect_exit $code "exit code $code" smolsh exec web -- sh -c "exit $code"
done
expect_exit 137 "killed by SIGKILL: 137" smolsh exec web -- sh -c 'kill -9 $$'
expect_exit 139 "SIGSEGV: 139" smolsh exec web -- sh -c 'kill -SEGV $$'
expect_exit 127 "not found: 127" smolsh exec web -- no-such-program
expect_err "not found: named" 'no-such-program'
expect_exit 126 "a directory: 126" smolsh exec web -- /etc

# --env, --cwd, --user.
expect_exit 0 "--env" smolsh exec --env A='x y' -e B= web -- sh -c 'echo "[$A][$B][${C-none}]"'
same "--env: as given" "$t_out" '[x y][][none]'
expect_exit 0 "--cwd" smolsh exec --cwd /etc web -- pwd
same "--cwd: there" "$t_out" /etc
expect_exit 126 "--cwd: a directory that is not there" smolsh exec --cwd /no/dir web -- pwd
expect_err "--cwd: named" '/no/dir'
expect_exit 0 "--user by number" smolsh exec --user 1234:55 web -- id
expect_out "--user by number: it is so" 'uid=1234.* gid=55'
expect_exit 0 "--user by name" smolsh exec --user nobody web -- id -u
expect_exit 126 "--user: nobody knows" smolsh exec --user whoever web -- id
expect_err "--user: named" 'whoever'

# The agent is exempt from the OOM killer, before and after; what it runs is not.
expect_exit 0 "oom_score_adj" smolsh exec web -- sh -c 'cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj; grep -c debugfs /proc/mounts || :'
same "oom_score_adj: of a command, of the agent" "$(head -n 2 <<<"$t_out" | paste -sd' ')" "0 -1000"
same "debugfs is not left mounted" "$(tail -n 1 <<<"$t_out")" 0

# A command that outlasts every I/O timeout.
expect_exit 0 "a command of 12 s, silent, longer than any wait for an answer" smolsh exec web -- sh -c 'sleep 12; echo finished'
same "and its output" "$t_out" finished

# JSON: lines of output, then the envelope.
expect_exit 4 "--json" smolsh --json exec web -- sh -c 'echo hi; exit 4'
expect_out "--json: output as a line" '^\{"stream":"stdout","data":"hi\\n"\}$'
expect_out "--json: the exit code in the envelope" '"exit_code":4'

# A disk that is full is no reader that has gone.
expect_exit 125 "a full disk: exec ends" timeout 30 bash -c '"$0" exec web -- yes >/dev/full' "$SMOLSH_BUILD/smolsh"
expect_err "a full disk: exec says so" 'No space left'
expect_exit 125 "a full disk: exec --json ends" timeout 30 bash -c '"$0" exec --json web -- yes >/dev/full' "$SMOLSH_BUILD/smolsh"
expect_err "a full disk: exec --json says so" 'No space left'
expect_exit 125 "a full disk: logs" bash -c '"$0" logs web >/dev/full' "$SMOLSH_BUILD/smolsh"
expect_err "a full disk: logs says so" '^smolsh: cannot write the output: No space left on device$'
same "a full disk: logs says so once" "$(wc -l <<<"$t_err")" 1
# The reader leaves early: no noise, no hang.
timeout 20 bash -c '"$0" exec web -- yes | head -n 1' "$SMOLSH_BUILD/smolsh" >"$t_dir/head" 2>"$t_dir/head.err"
same "yes | head: one line" "$(cat "$t_dir/head")" y
same "yes | head: no complaint" "$(cat "$t_dir/head.err")" ""

check "delete" smolsh delete --force --yes web
t_end
