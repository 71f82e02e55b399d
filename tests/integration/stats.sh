#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# stats: what VMs use, of guests that work, are silent, paused or gone.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"
t_begin stats

# The value of a key in the last line of web, or of another VM, in what a watch prints.
last() { grep "\"name\":\"${2-web}\"" "$t_dir/watch" | tail -n 1 | sed -E "s/.*\"$1\":\"?([^,\"}]*).*/\1/"; }
says() { [ "$(last "$1" "${3-web}")" = "$2" ]; }
above() { awk -v a="$(last "$1")" -v b="$2" 'BEGIN { exit !(a != "null" && a > b) }'; }
rounds() { [ "$(last round "${2-web}")" -gt "$1" ]; }

expect_exit 0 "no VM: nothing, and no error" smolsh stats
expect_out "no VM: the heading" '^NAME +STATE +HEALTH +CPU +RESIDENT +MEMORY +UPTIME +JOBS$'
check "create" smolsh create web --memory 96
check "create" smolsh create db --memory 96
expect_exit 0 "stats" smolsh stats
expect_out "stats: a row" '^web +running +ok +[0-9.]+% +[0-9]+M +96M +[0-9m]+s +0$'
expect_exit 0 "stats VM --json" smolsh stats web --json
expect_out "stats VM --json: one object" '^\{"ok":true,"data":\{"name":"web","id":"[0-9a-f]{12}","state":"running","health":"ok","cpu_percent":[0-9.]+,"cpus":1,"resident_bytes":[0-9]+,"memory_bytes":100663296,"uptime_ms":[0-9]+,"jobs":0\}\}$'
expect_exit 0 "stats --json" smolsh stats --json
expect_out "stats --json: an array of all" '"data":\[\{"name":"db",.*\{"name":"web",'
expect_exit 125 "stats of some that are not there" smolsh stats web nobody
expect_out "stats of some that are not there: the others" '^web +running'
expect_err "stats of some that are not there: which" "no VM 'nobody'"
smolsh_bg stats --watch --interval 0.2 web >"$t_dir/table" &
watch=$!
check "watch: a table for each round" t_until eval 'test "$(grep -c "^web " "$t_dir/table")" -ge 3'
kill -INT "$watch"
wait "$watch"
same "watch: between them an empty line" "$(sed -n '3p;4p' "$t_dir/table" | cut -d' ' -f1 | tr '\n' ,)" ,NAME,

smolsh_bg stats --watch --json --interval 0.3 >"$t_dir/watch" &
watch=$!
check "watch: rounds" t_until rounds 2
check "watch: both VMs" t_until says state running db
expect_exit 0 "a job" smolsh exec -d web -- sh -c 'while :; do :; done'
check "watch: the job's CPU" t_until above cpu_percent 5
check "watch: the job is counted" t_until says jobs 1
check "pause" smolsh pause web
check "watch: paused" t_until says health paused
check "watch: paused: no CPU" t_until says cpu_percent 0
check "resume" smolsh resume web
check "watch: ok again" t_until says health ok
# A guest that does not answer: its hypervisor hangs.
kill -STOP "$(t_pid db hypervisor)"
check "watch: silent" t_until says health silent db
before=$(last round)
check "watch: a silent guest does not keep the others waiting" t_until rounds "$((before + 3))"
expect_exit 0 "stats of a silent guest" smolsh stats db
expect_out "stats of a silent guest: says so" '^db +running +silent '
kill -CONT "$(t_pid db hypervisor)"
check "watch: it answers again" t_until says health ok db
check "create while one watches" smolsh create new --memory 96
check "watch: the new VM" t_until says health ok new
check "stop while one watches" smolsh stop --force web
check "watch: stopped" t_until says state stopped
same "watch: stopped: what is not known is null" "$(last health)$(last cpu_percent)$(last resident_bytes)$(last jobs)" nullnullnullnull
check "delete while one watches" smolsh delete --force --yes new
gone=$(last round db)
check "watch: rounds go on" t_until rounds "$((gone + 2))" db
same "watch: the deleted VM is in none of the last ones" "$(tail -n 2 "$t_dir/watch" | grep -c '"new"')" 0
kill -INT "$watch"
wait "$watch"
same "watch: ends by Ctrl-C" $? 130
same "watch: every line has every key" "$(grep -vc '^{"name":.*"id":.*"state":.*"health":.*"cpu_percent":.*"cpus":.*"resident_bytes":.*"memory_bytes":.*"uptime_ms":.*"jobs":.*"round":[0-9]*}$' "$t_dir/watch")" 0

# Its reader goes: it ends, even where it has nothing to say for an hour.
mkfifo "$t_dir/pipe"
smolsh_bg stats --watch --json --interval 1h >"$t_dir/pipe" &
watch=$!
read -r _ <"$t_dir/pipe"
check "watch: ends when its reader has gone" t_until t_ended "$watch"
wait "$watch"
same "watch: quietly" $? 141

t_end
