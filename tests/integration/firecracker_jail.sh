#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Firecracker in its jailer, with stand-ins for both (tests/fcsim): what lies in the jail and whose
# it is, and that nothing is left of it however it ends.
# shellcheck disable=SC2317 # functions called by name
. "$(dirname "$0")/lib.sh"
if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: only root can make a jail"
	exit 77
fi
if [ ! -x "$SMOLSH_BUILD/tests/fcsim/fc-sim" ]; then
	echo "skipped: there is no fc-sim (built where libyaml is)"
	exit 77
fi
if ! unshare -m true 2>/dev/null; then
	echo "skipped: no mount namespaces here"
	exit 77
fi
t_begin firecracker_jail
user=51234 group=51235
chmod 0711 "$t_dir" "$SMOLSH_HOME"
mkdir "$t_dir/bin"
cp "$SMOLSH_BUILD/tests/fcsim/fc-sim" "$t_dir/bin/firecracker"
export FC_SIM_VSOCKD=$SMOLSH_BUILD/smolsh-vsockd
create() { smolsh create "$@" --memory 96 --firecracker "$t_dir/bin/firecracker" --jailer "$user:$group"; }
jails() { find "$SMOLSH_HOME/jail" -mindepth 2 2>/dev/null; }
no_jails() { [ -z "$(jails)" ]; }
# owner NAME: of a file in the jail.
owner() { stat -c %u:%g "$jail/root/$1" 2>/dev/null || echo none; }

# Without one it is refused, and nothing is left.
expect_exit 125 "no jailer" create none
expect_err "no jailer: why" 'jailer is neither beside .* nor in PATH; try: '
check "no jailer: nothing is left" no_jails
cp "$(dirname "$0")/../fcsim/jailer" "$t_dir/bin/jailer"
FC_SIM_FAULT='refuses@PUT /vsock' expect_exit 125 "a refusal in the jail" create none
expect_err "a refusal in the jail: why" 'refused PUT /vsock: fc-sim'
check "a refusal in the jail: nothing is left" no_jails

for option in "--disk 8M" "--vsock-path $t_dir/v.sock"; do
	# shellcheck disable=SC2086 # words
	expect_exit 2 "${option% *} in a jail" create none $option
	expect_err "${option% *} in a jail: why" "${option% *} does not go with --jailer; try: leave one of them out"
done

expect_exit 0 "it starts" create j
jail=$(find "$SMOLSH_HOME/jail/firecracker" -mindepth 1 -maxdepth 1)
expect_exit 0 "exec" smolsh exec j -- uname
expect_out "exec: the guest answers" '^Linux$'
same "the program runs as the jail's user" "$(stat -c %u "/proc/$(pgrep -U $user -x firecracker)")" $user
same "the jail is its user's" "$(owner .)" $user:$group
same "so is the ready socket" "$(owner vsock.sock_5001)" $user:$group
for f in kernel initrd fc.log fc.metrics; do
	same "once the guest runs there is no $f" "$(owner $f)" none
done
check "pause" smolsh pause j
check "resume" smolsh resume j
expect_exit 0 "stop" smolsh stop j
check "stop: nothing is left" no_jails

# The kernel does not end what has changed its user: the next command does.
check "it starts again" smolsh start j
vmm=$(pgrep -U $user -x firecracker)
kill -9 "$(smolsh info j | sed -n 's/^monitor .*pid \([0-9]*\),.*/\1/p')"
check "the monitor is killed: that is seen" t_until t_is j died
expect_exit 0 "the monitor is killed: list" smolsh list
expect_out "the monitor is killed: it has died" 'died .*its monitor was killed'
check "the monitor is killed: its hypervisor has ended" t_ended "$vmm"
check "the monitor is killed: nothing is left" no_jails
t_end
