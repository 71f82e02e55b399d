# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What integration tests share. A test is a script that sources this, begins with t_begin, says
# what it checks, and ends with t_end. It gets
#   SMOLSH_BUILD   directory with the programs (default: the directory the test is run from)
#   SMOLSH_IMAGES  directory with the images (default: $SMOLSH_BUILD/images)
# and has a SMOLSH_HOME of its own. Each check prints "ok - what" or "not ok - what". At the end no
# process and no file of this home may be left; the test fails otherwise.

set -u
: "${SMOLSH_BUILD:=$PWD}"
: "${SMOLSH_IMAGES:=$SMOLSH_BUILD/images}"
export SMOLSH_BUILD SMOLSH_IMAGES

t_failed=0
t_count=0

ok() { t_count=$((t_count + 1)); printf 'ok - %s\n' "$*"; }
not_ok() { t_count=$((t_count + 1)); t_failed=$((t_failed + 1)); printf 'not ok - %s\n' "$*"; }

smolsh() { "$SMOLSH_BUILD/smolsh" "$@"; }
# In the background, and open to Ctrl-C all the same: bash has its background jobs ignore SIGINT.
# Its pid is in $!.
smolsh_bg() { exec env --default-signal=INT,QUIT "$SMOLSH_BUILD/smolsh" "$@"; }

# The processes of this test's home: monitors, hypervisors and devices carry it in their environment
# or their arguments. (By their names: the device's /proc/PID/exe is closed to all but root.)
t_processes() {
	local p comm
	for p in /proc/[0-9]*; do
		[ "${p#/proc/}" = "$$" ] && continue
		read -r comm <"$p/comm" || continue
		case $comm in
		smolsh* | qemu-system* | fc-sim | firecracker) ;;
		*) continue ;;
		esac
		if tr '\0' '\n' 2>/dev/null <"$p/environ" | grep -qxF "SMOLSH_HOME=$SMOLSH_HOME" ||
			tr '\0' '\n' 2>/dev/null <"$p/cmdline" | grep -qF "$SMOLSH_HOME/"; then
			echo "${p#/proc/}"
		fi
	done 2>/dev/null
}

# A process has ended (in a container without an init it may stay as a zombie).
t_ended() { [ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null || echo Z)" = Z ]; }

# Whatever hangs, the test ends.
: "${T_LIMIT:=400}"
if [ -z "${T_GUARDED-}" ]; then
	export T_GUARDED=1 T_LIMIT
	exec timeout --foreground -k 20 "$T_LIMIT" bash "$0" "$@"
fi
unset T_GUARDED

# t_begin WHAT: a home of its own, removed at the end.
t_begin() {
	t_what=$1
	t_dir=$(mktemp -d /tmp/smolsh-it-XXXXXX) || exit 1
	# No test uses the vsock of the host that it runs on.
	export SMOLSH_VHOST_VSOCK=/nonexistent/vhost-vsock
	export SMOLSH_HOME=$t_dir/home
	mkdir -m 0700 "$SMOLSH_HOME"
	trap t_exit EXIT
	trap 'echo "not ok - $t_what: ended by a signal, or longer than $T_LIMIT s"; exit 1' INT TERM
}

# Whatever happened, leave nothing running.
t_exit() {
	local pid
	for pid in $(t_processes) $(jobs -p); do
		kill -9 "$pid" 2>/dev/null
	done
	rm -rf "$t_dir"
}

# Wait until a command succeeds, 20 s at most (an event that has no descriptor to wait on).
t_until() {
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		read -rt 0.1 <> <(:)
	done
	return 1
}

# t_within SECONDS COMMAND…: the same for a command that may itself take long to fail.
t_within() {
	local end=$((SECONDS + $1))
	while :; do
		"${@:2}" >/dev/null 2>&1 && return 0
		[ "$SECONDS" -lt "$end" ] || return 1
		read -rt 0.1 <> <(:)
	done
}

# t_steady COMMAND…: what it prints, once that has not changed for half a second (10 s at most).
t_steady() {
	local i n=0 last='' now
	for ((i = 0; i < 100 && n < 5; i++)); do
		now=$("$@")
		if [ "$now" = "$last" ]; then n=$((n + 1)); else n=0; fi
		last=$now
		read -rt 0.1 <> <(:)
	done
	printf '%s\n' "$last"
}

# prints WANT CMD…: this is what it prints (to be waited for with t_until).
prints() { [ "$("${@:2}")" = "$1" ]; }

t_answered() { grep -qE -- "$want" "$t_dir/talked" || t_ended "$pid"; }
# t_talk SOCKET TEXT REGEX: what is answered, up to a line like REGEX or until the other side ends
# the connection; fails where neither comes.
t_talk() {
	local pid to said want=$3
	rm -f "$t_dir/talk" && mkfifo "$t_dir/talk"
	socat - "UNIX-CONNECT:$1" <"$t_dir/talk" >"$t_dir/talked" 2>/dev/null &
	pid=$!
	exec {to}>"$t_dir/talk"
	printf '%s' "$2" >&"$to"
	t_until t_answered
	said=$?
	exec {to}>&-
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	cat "$t_dir/talked"
	return "$said"
}

t_no_processes() { [ -z "$(t_processes)" ]; }
t_no_sockets() { [ -z "$(find "$SMOLSH_HOME/run" -type s 2>/dev/null)" ]; }

# Ends the test: nothing may be left of its VMs.
t_end() {
	smolsh delete --all --force --yes >/dev/null 2>&1
	if t_until t_no_processes; then
		ok "$t_what: no process is left"
	else
		not_ok "$t_what: processes are left"
		ps -o pid,args -p "$(t_processes | paste -sd,)" >&2
	fi
	if t_no_sockets; then
		ok "$t_what: no socket is left"
	else
		not_ok "$t_what: sockets are left: $(find "$SMOLSH_HOME/run" -type s)"
	fi
	[ "$t_failed" -eq 0 ]
	exit
}

# check WHAT CMD...: the command succeeds.
check() {
	local what=$1 log
	shift
	if log=$("$@" 2>&1); then
		ok "$what"
	else
		not_ok "$what (exit $?)"
		printf '%s\n' "$log" | sed 's/^/    /' >&2
	fi
}

# expect_exit N WHAT CMD...: it ends with exit code N. Its output is in $t_out and $t_err.
expect_exit() {
	local want=$1 what=$2 got
	shift 2
	"$@" >"$t_dir/out" 2>"$t_dir/err" </dev/null
	got=$?
	t_out=$(cat "$t_dir/out")
	t_err=$(cat "$t_dir/err")
	if [ "$got" -eq "$want" ]; then
		ok "$what"
	else
		not_ok "$what (exit $got, not $want)"
		printf '%s\n%s\n' "$t_out" "$t_err" | sed 's/^/    /' >&2
	fi
}

# expect_out WHAT REGEX / expect_err: what the last expect_exit printed.
expect_out() { match "$1" "$2" "$t_out"; }
expect_err() { match "$1" "$2" "$t_err"; }
match() {
	if grep -qE -- "$2" <<<"$3"; then
		ok "$1"
	else
		not_ok "$1 (no match for /$2/)"
		printf '%s\n' "$3" | sed 's/^/    /' >&2
	fi
}

# same WHAT GOT WANT
same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		printf '    got:  %s\n    want: %s\n' "$2" "$3" >&2
	fi
}

# The pid of a process of a VM: monitor, hypervisor or device.
t_pid() { smolsh --json info "$1" | tr -d '\n' | sed -E "s/.*\"$2\":\{[^}]*\"pid\":([0-9]+).*/\1/"; }
t_state() { smolsh --json info "$1" | tr -d '\n' | sed -E 's/.*"state":"([a-z]+)".*/\1/'; }
t_is() { [ "$(t_state "$1")" = "$2" ]; }
# The guest's time of day lies between ours before and after it was asked for, to 2 s.
t_clock_is_right() {
	local before now after
	before=$(date +%s)
	now=$(smolsh exec "$1" -- date +%s)
	after=$(date +%s)
	echo "$before $now $after"
	[ "$now" -ge $((before - 2)) ] && [ "$now" -le $((after + 2)) ]
}
