#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# pause and resume: the guest stands still, everybody says so at once, and it goes on where it was.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"
t_begin pause

sock() { printf '%s/run/%s/monitor.sock' "$SMOLSH_HOME" "$(smolsh --json info "$1" | sed -E 's/.*"id":"([0-9a-f]+)".*/\1/')"; }
ask() { printf '%b' "$2" | timeout 10 socat -t 10 - UNIX-CONNECT:"$(sock "$1")"; }
lines() { wc -l <"$1"; }
more_than() { [ "$(lines "$1")" -gt "$2" ]; }

check "create" smolsh create web --memory 96
check "labels" smolsh label web role=web
smolsh_bg exec web -- sh -c 'i=0; while sleep 0.05; do echo $((i+=1)); done' >"$t_dir/count" &
counter=$!
check "a counter counts" t_until more_than "$t_dir/count" 5
expect_exit 125 "resume what runs is no error, of what is not there it is" smolsh resume web nobody
expect_err "resume: who is not there" "no VM 'nobody'"

expect_exit 0 "pause" smolsh pause web
same "pause: the state" "$(t_state web)" paused
expect_exit 0 "pause again is no error" smolsh pause web
before=$(t_steady lines "$t_dir/count")
read -rt 1 <> <(:)
same "paused: the counter stands still" "$(lines "$t_dir/count")" "$before"
expect_exit 0 "paused: list" smolsh list
expect_out "paused: list says so" '^web +[0-9a-f]{12} +paused +up '
expect_exit 0 "paused: @paused" smolsh --json info @paused
expect_out "paused: info knows the monitor, and its phase" '"state":"paused".*"phase":"paused"'
expect_exit 125 "paused: it is not @running" smolsh exec @running -- true
expect_exit 125 "paused: exec" smolsh exec web -- true
expect_err "paused: exec says at once what would help" "VM 'web' is paused; try: smolsh resume web"
expect_exit 1 "paused: health is no" smolsh health web
expect_err "paused: health says why" "is paused; try: smolsh resume web"
expect_exit 125 "paused: start does not start it" smolsh start web
expect_err "paused: start says what would" "is paused; try: smolsh resume web"
expect_exit 1 "paused: wait" smolsh wait web --timeout 0.2
expect_err "paused: wait says why" "'web' is not ready: it is paused; try: smolsh resume web"
expect_exit 125 "paused: delete without force" smolsh delete --yes web
expect_exit 125 "paused: jobs" smolsh jobs web
expect_exit 0 "paused: jobs of all leaves it out" smolsh jobs
match "paused: a watcher hears the phase, and not that it is ready" '^\{"event":"phase","phase":"paused"\}$' \
	"$(ask web '{"v":1,"op":"watch"}\n')"

# Who waits for it to be ready waits for somebody to resume it.
smolsh_bg wait web --timeout 60 &
waiter=$!
expect_exit 0 "resume" smolsh resume @paused
wait "$waiter"
same "resume: who waited hears of it" $? 0
same "resume: the state" "$(t_state web)" running
check "resume: the counter goes on" t_until more_than "$t_dir/count" "$((before + 5))"
same "resume: where it was" "$(awk 'NR != $1' "$t_dir/count" | wc -l)" 0
expect_exit 0 "resume: exec" smolsh exec web -- true
kill -INT "$counter"
wait "$counter"

# No timeout counts the pause, neither the guest's nor the client's (which is 10 s longer than the
# command's own); and the guest's clock is the host's again as soon as it goes on.
smolsh_bg exec --timeout 5 web -- sh -c 'echo begun; until [ -e /tmp/go ]; do sleep 0.05; done; echo over' >"$t_dir/slow" 2>&1 &
slow=$!
smolsh_bg exec --timeout 2 web -- sh -c 'echo begun; exec sleep 100' >"$t_dir/short" 2>"$t_dir/short.err" &
short=$!
check "a job with a timeout" t_until grep -q begun "$t_dir/slow"
check "another one" t_until grep -q begun "$t_dir/short"
check "pause them" smolsh pause web
# Longer than either client would wait.
read -rt 16 <> <(:)
check "the client of the longer one waits" kill -0 "$slow"
check "resume" smolsh resume web
check "resumed: the job may end" smolsh exec web -- touch /tmp/go
check "resumed: the guest's clock is right" t_clock_is_right web
wait "$slow"
same "resumed: a job that has time left ends in it" $? 0
same "resumed: all that it said has come" "$(tail -n 1 "$t_dir/slow")" over
wait "$short"
same "resumed: the timeout ends the other all the same" $? 124
smolsh_bg exec --timeout 60 web -- sh -c 'echo begun; exec sleep 100' >"$t_dir/given" 2>&1 &
given=$!
check "a job to be given up" t_until grep -q begun "$t_dir/given"
check "pause it" smolsh pause web
press() { kill -INT "$given"; t_ended "$given"; }
check "paused: Ctrl-C, thrice, ends its client" t_until press
check "resume" smolsh resume web

# Quickly, and from several sides.
for i in 1 2 3 4; do
	smolsh_bg pause web 2>/dev/null &
	a=$!
	smolsh_bg resume web 2>/dev/null &
	wait "$a" "$!"
done
check "after pauses and resumes at once it can be resumed" smolsh resume web
same "and runs" "$(t_state web)" running
expect_exit 0 "and works" smolsh exec web -- true

# Ends of a paused VM.
check "pause" smolsh pause web
expect_exit 0 "stop while paused" smolsh stop web
same "stop while paused: stopped" "$(t_state web)" stopped
expect_exit 0 "stop while paused: logs" smolsh logs web
expect_out "stop while paused: the guest was asked, and shut down" 'Power down|powering off'
expect_exit 125 "pause what is stopped" smolsh pause web
expect_err "pause what is stopped: the mend" "is stopped; try: smolsh start web"
check "start" smolsh start web
check "pause" smolsh pause web
kill -9 "$(t_pid web hypervisor)"
check "QEMU killed while paused: died" t_until t_is web died
expect_exit 125 "QEMU killed while paused: exec says why" smolsh exec web -- true
expect_err "QEMU killed while paused: the cause" "SIGKILL"
expect_exit 125 "resume what has died" smolsh resume web
expect_err "resume what has died: the cause" "SIGKILL"
check "start" smolsh start web
check "pause" smolsh pause web
kill -9 "$(t_pid web monitor)"
check "its monitor killed while paused: died" t_until t_is web died
check "start" smolsh start web
check "pause" smolsh pause web
expect_exit 0 "stop --force while paused" smolsh stop --force web
check "start" smolsh start web
check "pause" smolsh pause web
expect_exit 0 "restart while paused" smolsh restart web
same "restart while paused: it runs" "$(t_state web)" running
check "pause" smolsh pause web
expect_exit 0 "delete --force while paused" smolsh delete --force --yes web

t_end
