#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# vsock configuration: what is refused, when, and what is made and taken away (pitfalls 20, 21, 23).
. "$(dirname "$0")/lib.sh"
t_begin vsock

# CIDs are checked when they are parsed: nothing is registered.
for cid in 0 1 2 4294967295 4294967299 -1 1e10 3x '' ' 5' '5 ' +5 0x10 3.0 ٣ 99999999999999999999; do
	expect_exit 2 "--cid '$cid' is refused" smolsh create "cid-test" --no-start "--cid=$cid"
	expect_exit 2 "run --cid '$cid' is refused" smolsh run "--cid=$cid" -- true
	[ -n "$cid" ] || expect_err "run --cid '': none" '--cid needs a value'
	[ -z "$cid" ] || expect_err "run --cid '$cid': the range" 'is not a whole number from 3 to 4294967294'
done
expect_err "and the range is said" '3 to 4294967294|range'
expect_exit 0 "--cid: the smallest" smolsh create low --no-start --cid 3
expect_exit 0 "--cid: the largest" smolsh create high --no-start --cid 4294967294
expect_exit 125 "--cid: taken" smolsh create other --no-start --cid 3
expect_err "--cid: taken, said so" 'CID 3 is taken'
expect_exit 125 "--cid: taken, nothing is registered" smolsh info other
for port in 0 -1 4294967295 x; do
	expect_exit 2 "--vsock-port '$port' is refused" smolsh create p --no-start "--vsock-port=$port"
done

# Two creators at once never get the same CID.
pids=()
for i in 1 2 3 4 5 6; do
	smolsh create "race-$i" --no-start >"$t_dir/race$i" 2>&1 &
	pids+=($!)
done
bad=0
for p in "${pids[@]}"; do wait "$p" || bad=$((bad + 1)); done
same "six creators at once: none fails" $bad 0
same "six creators at once: six different CIDs" \
	"$(smolsh list | awk '/^race-/{print $(NF)}' | sort -u | wc -l)" 6
check "cleaned up" smolsh delete --all --yes --force

# Socket paths.
long=/tmp/$(printf 'x%.0s' {1..100})
expect_exit 2 "--vsock-path: too long is refused early" smolsh create long --no-start --vsock-path "$long"
expect_err "--vsock-path: with the limit" '96'
expect_exit 0 "--vsock-path: relative is taken from here" smolsh create rel --no-start --vsock-path a/b
expect_exit 0 "--vsock-path: relative is shown whole" smolsh info rel
expect_out "--vsock-path: as an absolute path" "$PWD/a/b"
check "cleaned up" smolsh delete rel
mkdir -p "$t_dir/deep"
touch "$t_dir/deep/file"
expect_exit 125 "--vsock-path: a file is in the way" smolsh create inway --vsock-path "$t_dir/deep/file"
expect_err "--vsock-path: and it is not taken away" 'exists and is not a socket'
check "--vsock-path: the file is still there" test -f "$t_dir/deep/file"
expect_exit 125 "--vsock-path: nothing is registered" smolsh info inway
path=$t_dir/not/yet/there/v.sock
expect_exit 0 "--vsock-path: a missing parent is made" smolsh create own --vsock-path "$path"
check "--vsock-path: the socket is there" test -S "$path"
same "--vsock-path: for its owner only" "$(stat -c %a "$path")" 600
expect_exit 0 "--vsock-path: it works" smolsh exec own -- echo through
same "--vsock-path: through it" "$t_out" through
expect_exit 0 "info" smolsh info own
expect_out "info: whose vsock, and why" '^vsock device +auto: user \(--vsock-path asks for a socket\)'
expect_exit 125 "--vsock kernel where there is none" smolsh create none --vsock kernel
expect_err "... what is missing, and the mend" 'no /nonexistent/vhost-vsock; try: modprobe vhost_vsock'
expect_exit 2 "--vsock kernel has no socket" smolsh create none --vsock kernel --vsock-path /tmp/v
expect_exit 125 "... and nothing is registered" smolsh info none
expect_exit 125 "--vsock-path: in use by a VM" smolsh create second --vsock-path "$path"
expect_err "--vsock-path: said so" 'in use'
expect_exit 0 "the first one is not harmed" smolsh exec own -- true

expect_exit 0 "--vsock-path: another, in a place of its own" smolsh create brief --vsock-path "$t_dir/made/for/v.sock"
check "--vsock-path: the place is made" test -S "$t_dir/made/for/v.sock"
check "stop" smolsh stop --force brief
check "--vsock-path: what was made for it goes with it" test ! -e "$t_dir/made"
check "delete" smolsh delete brief

# Somebody else's socket in our place is not unlinked at the end.
rm "$path"
socat UNIX-LISTEN:"$path" - </dev/null >/dev/null 2>&1 &
socat=$!
check "another program has bound the path" t_until test -S "$path"
check "stop" smolsh stop --force own
check "a socket that is not ours is left alone" test -S "$path"
kill "$socat" 2>/dev/null
wait "$socat" 2>/dev/null
# What a crash left behind is replaced.
expect_exit 0 "a stale socket of ours is replaced" smolsh start own
expect_exit 0 "and the VM works" smolsh exec own -- true
check "delete" smolsh delete --force --yes own
check "the socket is gone with it" test ! -e "$path"

# Without vsock: refused before anything is dialled; info says so.
expect_exit 0 "create --no-vsock" smolsh create quiet --no-vsock
expect_exit 0 "info of it" smolsh info quiet
expect_out "info says disabled" 'vsock +disabled'
expect_exit 125 "exec without vsock fails at once" timeout 5 "$SMOLSH_BUILD/smolsh" exec quiet -- true
expect_err "exec without vsock: why" 'has no vsock'
expect_err "exec without vsock: what would work" 'without --no-vsock|smolsh logs'
check "no socket was made for it" test -z "$(find "$SMOLSH_HOME/run" -name 'vsock.sock*')"
check "stop --force" smolsh stop --force quiet
expect_exit 2 "run --no-vsock makes no sense" smolsh run --no-vsock -- true

# The same CID after a restart; another token.
check "create" smolsh create web
cid=$(smolsh --json info web | grep -oE '"cid":[0-9]+')
check "restart" smolsh restart web
same "restart keeps the CID" "$(smolsh --json info web | grep -oE '"cid":[0-9]+')" "$cid"
expect_exit 0 "restart: exec works" smolsh exec web -- true

# By hand, as any program would: CONNECT, OK, and the protocol.
sock=$SMOLSH_HOME/run/$(smolsh list | awk '/^web/{print $2}')/vsock.sock
by_hand() { t_talk "$sock" "CONNECT $1"$'\n'"$2" '^\{'; }
answer=$(by_hand 5000 $'{"op":"health"}\n')
match "CONNECT by hand: OK and a port" '^OK [0-9]+$' "$answer"
match "CONNECT by hand: liveness without a token" '"ok":true' "$answer"
answer=$(by_hand 5000 $'{"op":"exec","command":"id"}\n')
match "without the token nothing else" '"code":"unauthorized"' "$answer"
answer=$(by_hand 4999 "")
same "a port nobody listens on: closed without OK" "$?$answer" 0

# Its device is locked up (unit/test_vsockd_process.c has the systems that allow less), and went on
# working: the guest's "ready" came through it.
device=$(t_pid web device)
status=$(cat "/proc/$device/status")
match "the device gains no privileges" '^NoNewPrivs:.1$' "$status"
match "the device has no capabilities but root's way to sockets" '^CapEff:.000000000000000[02]$' "$status"
grep -q 'no seccomp' <(smolsh logs --journal web) ||
	match "the device has its list of system calls" '^Seccomp:.2$' "$status"
if unshare -mn true 2>/dev/null || unshare -Umn true 2>/dev/null; then
	same "nothing was missing for it" "$(smolsh logs --journal web | grep -c 'does not allow')" 0
	if [ "$(id -u)" = 0 ]; then
		same "its root is the directory of the socket" "$(stat -Lc %d:%i "/proc/$device/root")" "$(stat -c %d:%i "${sock%/*}")"
		same "its network has no interface but a loopback" "$(grep -c : "/proc/$device/net/dev")$(grep -c lo: "/proc/$device/net/dev")" 11
	fi
fi

# A wrong option is named.
expect_exit 2 "the device: an option that it has not" "$SMOLSH_BUILD/smolsh-vsockd" --guest-cid 3 --bogus
expect_err "... is named" "^smolsh-vsockd: --bogus: not an option of this program; see --help$"
expect_exit 2 "the device: an option without its value" "$SMOLSH_BUILD/smolsh-vsockd" --guest-cid 3 --uds-path
expect_err "... is named" "^smolsh-vsockd: --uds-path: it needs a value; see --help$"
expect_exit 2 "the device: a word that is no option" "$SMOLSH_BUILD/smolsh-vsockd" --guest-cid 3 web
expect_err "... is named" "^smolsh-vsockd: web: only options are taken; see --help$"

t_end
