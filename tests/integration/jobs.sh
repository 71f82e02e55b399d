#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Jobs from the shell: started, listed, attached, waited for, cancelled; readiness and health; limits
# and policy. What the agent does with them is tested beside it.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
t_begin jobs

check "a VM with limits and a policy" smolsh create web --limit jobs=2 --limit queue=1 --limit run-ms=10m \
	--allow-cwd /tmp --allow-env GREETING

# exec -d, and the client is gone.
job=$(smolsh exec -d --cwd /tmp web 'echo begin; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo end; exit 5')
same "exec -d prints the id" "$job" 1
expect_exit 0 "jobs" smolsh jobs
expect_out "jobs: it runs" "^web +$job +running .* echo begin"
expect_exit 0 "jobs --json" smolsh --json jobs web
expect_out "jobs --json: whose it is" '"state":"running".*"vm":"web"'
expect_exit 1 "wait --job: not over" smolsh wait web --job "$job" --timeout 0.2
expect_err "wait --job: says so" "job $job still runs"
mkfifo "$t_dir/attached"
smolsh_bg exec web -- sh -c 'trap "" TERM; echo deaf; sleep 60' >"$t_dir/attached" 2>"$t_dir/told" &
deaf=$!
{
	read -r first
	same "a job that heeds no SIGTERM" "$first" deaf
	kill -TERM "$deaf"
} <"$t_dir/attached"
wait "$deaf"
same "exec: SIGTERM is passed on" $? 143
match "and that the job may go on is said" "^smolsh: terminated; job [0-9]+ of VM 'web' was told, and may go on; try: smolsh jobs web$" "$(cat "$t_dir/told")"
check "as it does" smolsh cancel web "$(tr -dc 0-9 <"$t_dir/told")"
smolsh_bg attach web "$job" >"$t_dir/attached" &
attached=$!
{
	read -r first
	same "attach: what was printed before comes first" "$first" begin
	kill -TERM "$attached"
} <"$t_dir/attached"
wait "$attached"
same "attach: SIGTERM leaves" $? 143
expect_exit 0 "and the job runs on" smolsh jobs web
expect_out "and the job runs on: state" "^web +$job +running"
smolsh_bg attach web "$job" >"$t_dir/all" &
attached=$!
check "it is told to go on" smolsh exec --cwd /tmp web -- touch /tmp/go
wait "$attached"
same "attach: ends with the job's code" $? 5
same "attach: all of its output" "$(cat "$t_dir/all")" "begin
end"
expect_exit 0 "wait --job" smolsh wait web --job "$job"
same "wait --job: how it ended" "$t_out" "job $job: exited 5"
expect_exit 5 "attach --from" smolsh attach --from 6 web "$job"
same "attach --from: from there on" "$t_out" end
expect_exit 125 "attach: no such job" smolsh attach web 99
expect_err "attach: no such job: how to look" 'no job 99.*try: smolsh jobs web'
expect_exit 2 "attach: no id" smolsh attach web x

# Output that is no longer held.
job=$(smolsh exec -d --cwd /tmp web 'seq 1000000')
check "a job with 7 MB of output" smolsh wait web --job "$job"
expect_exit 0 "attach: what is left of it" smolsh attach web "$job"
expect_err "attach: the gap is said" '^smolsh: [0-9.]+M of output are no longer held'
same "attach: up to the end" "$(tail -n 1 <<<"$t_out")" 1000000

# cancel
job=$(smolsh exec -d --cwd /tmp web -- sleep 1000)
expect_exit 0 "cancel" smolsh cancel web "$job"
check "cancel: it ends" smolsh wait web --job "$job"
expect_exit 143 "cancel: attach says so" smolsh attach web "$job"
expect_err "cancel: in words" 'the job was cancelled'
job=$(smolsh exec -d --cwd /tmp web 'trap "exit 9" USR1; echo up; while :; do sleep 0.1; done')
t_until sh -c "'$SMOLSH_BUILD/smolsh' jobs web | grep -q ' 3B '"
expect_exit 0 "cancel with a signal" smolsh cancel web "$job" --signal usr1
smolsh wait web --job "$job" >/dev/null
smolsh jobs web >"$t_dir/jobs"
match "cancel: the command's own answer" "^web +$job +[a-z_]+ +[0-9ms]+ +9 " "$(cat "$t_dir/jobs")"
expect_exit 2 "cancel: no such signal" smolsh cancel web 1 --signal NOPE
expect_exit 125 "cancel: no such job" smolsh cancel web 99

# One more than may run waits; one more than may wait is refused.
for i in 1 2; do smolsh exec -d --cwd /tmp web -- sleep 1000 >>"$t_dir/ids"; done
waiting=$(smolsh exec -d --cwd /tmp web -- echo turn)
expect_exit 0 "a third" smolsh jobs web
expect_out "a third is queued" "^web +$waiting +queued"
expect_exit 125 "a fourth is refused" smolsh exec -d --cwd /tmp web -- true
# shellcheck disable=SC2046
expect_exit 0 "the first are cancelled" smolsh cancel web $(cat "$t_dir/ids")
expect_exit 0 "the queued one gets its turn" smolsh attach web "$waiting"
same "its output" "$t_out" turn

# Policy.
expect_exit 125 "a directory that is not allowed" smolsh exec --cwd /root web -- true
expect_exit 125 "a variable that is not allowed" smolsh exec --cwd /tmp --env PATH=/x web -- true
expect_exit 0 "what is allowed" smolsh exec --cwd /tmp --env GREETING=hello web 'echo "$GREETING $PWD"'
same "it is as asked for" "$t_out" "hello /tmp"
expect_exit 0 "info has it all" smolsh info web
expect_out "info: limits" '^limits .*jobs 2, queue 1, run 10m00s'
expect_out "info: policy" '^cwd allowed +/tmp$'
expect_exit 2 "a limit that there is not" smolsh create x --limit speed=1
expect_exit 125 "and no VM of it" smolsh info x

# Readiness.
check "a VM without any policy" smolsh create plain
expect_exit 0 "wait --for agent" smolsh wait plain --for agent
expect_exit 1 "wait --for file: not there" smolsh wait plain --for file=/tmp/made --timeout 0.5
expect_err "wait --for file: says so" 'does not have that file'
smolsh exec -d plain 'sleep 1; touch /tmp/made; exec nc -l -p 8080' >/dev/null
expect_exit 0 "wait --for file: once it is made" smolsh wait plain --for file=/tmp/made --timeout 30
expect_exit 0 "wait --for port: once it is listened on" smolsh wait plain --for port=8080 --timeout 30
expect_exit 1 "wait --for port: nobody" smolsh wait plain --for port=8081 --timeout 0.5
expect_exit 2 "wait --for nonsense" smolsh wait plain --for port=http

# A client that goes in the middle of its input: what has had half of it has not succeeded.
mkfifo "$t_dir/half"
exec 8<>"$t_dir/half"
echo first >&8
smolsh_bg exec -i plain -- sh -c 'cat >/tmp/half' <&8 &
client=$!
check "half of the input is there" t_until smolsh exec plain -- grep -q first /tmp/half
job=$(smolsh --json jobs plain | grep -o '"state":"running"[^}]*"id":[0-9]*' | sed 's/.*://')
kill -9 $client
exec 8>&-
expect_exit 0 "its client has gone: wait" smolsh wait plain --job "$job"
expect_out "its client has gone: wait says that the input was cut" "^job $job: exited \\(input cut\\) 0$"
expect_exit 0 "its client has gone: jobs" smolsh jobs plain
expect_out "its client has gone: jobs says so" "^plain +$job +exited \\(input cut\\) "
expect_exit 125 "its client has gone: attach is no success" smolsh attach plain "$job"
expect_err "its client has gone: attach says why" 'no more than the first 6 bytes of its input'
expect_exit 125 "its client has gone: attach --json" smolsh --json attach plain "$job"
expect_out "its client has gone: attach --json has it" '"ok":false,"data":.*"input_cut":6.*"code":"reset"'

# Health.
expect_exit 0 "health of several" smolsh health web,plain
match "health: agent, protocol, time" '^web: healthy  agent [0-9.]+  protocol 1  up .*  [0-9.]+ ms$' "$t_out"
mkfifo "$t_dir/rounds"
smolsh_bg health @all --watch --interval 0.1 >"$t_dir/rounds" &
watching=$!
{
	for i in 1 2 3 4 5 6; do read -r line; done
	match "health --watch goes on" ': healthy' "$line"
	kill -INT "$watching"
	cat >/dev/null
} <"$t_dir/rounds"
wait "$watching"
same "health --watch: until Ctrl-C" $? 130

check "stopped" smolsh stop plain --force
expect_exit 1 "wait --for agent: of one that is stopped" smolsh wait plain --for agent
expect_exit 125 "jobs of one that is stopped" smolsh jobs plain
"$SMOLSH_BUILD/smolsh" jobs plain web >"$t_dir/both" 2>&1
match "jobs of one that is stopped: the others' come first" "^smolsh: VM 'plain' is stopped; try: smolsh start plain" "$(tail -n 1 "$t_dir/both")"
match "jobs of one that is stopped: the others' table" '^web +[0-9]' "$(cat "$t_dir/both")"
expect_exit 0 "jobs of all that run" smolsh jobs
t_end
