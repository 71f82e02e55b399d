#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a backend cannot do is said where it is asked for, with what would work, and nothing is left;
# a VM without vsock is never dialled; which backend a VM gets, and why.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"
t_begin caps

sim=$SMOLSH_BUILD/tests/fcsim/fc-sim
registered() { smolsh --json list | grep -o '"name":"[a-z]*"' | wc -l; }

expect_exit 0 "caps" smolsh caps
expect_out "caps: a row for a capability, a column for each backend" '^pause +(yes|no) +(yes|no) +pause and resume$'
expect_out "caps: why not" '^firecracker +share +it has no virtiofs; use smolsh cp$'
expect_out "caps: which can be used here" '^qemu +version [0-9]+\.[0-9]+, (tcg|kvm) \('
same "caps: it fits a terminal" "$(script -qec 'stty cols 80; "$SMOLSH_BUILD/smolsh" caps' /dev/null | tr -d '\r' | awk 'length($0) > 80 || /…/' | head)" ""
expect_exit 0 "caps --json" smolsh --json caps
expect_out "caps --json: the same" '"name":"share","means":"[^"]*","can":false,"why":"it has no virtiofs","instead":"smolsh cp"'
expect_exit 0 "an empty PATH: caps" env PATH=/nonexistent "$SMOLSH_BUILD/smolsh" caps
expect_out "an empty PATH: why none can be used" '^qemu +not here: qemu-system-x86_64 is not installed$'
expect_out "an empty PATH: and the mend" '^ +try: apt-get install qemu-system-x86$'
expect_exit 125 "an empty PATH: create" env PATH=/nonexistent "$SMOLSH_BUILD/smolsh" create none --no-start
expect_err "an empty PATH: why, and the mend" 'qemu-system-x86_64 is not installed; try: apt-get install qemu-system-x86'

# Named, and not to be had, or not able to.
expect_exit 125 "no such program" env PATH=/nonexistent "$SMOLSH_BUILD/smolsh" create none --no-start --backend firecracker
expect_err "no such program: why, and the mend" 'firecracker is not installed; try: --firecracker PATH, or --backend qemu'
expect_exit 2 "no such backend" smolsh create none --no-start --backend xen
expect_err "no such backend: which there are" "'xen' is not auto, qemu or firecracker"
if [ -x "$sim" ]; then
	expect_exit 125 "--net user" smolsh create none --no-start --net user --firecracker "$sim"
	expect_err "--net user: why, and what would work" '^smolsh: --net user: backend firecracker cannot give a guest a user-mode network: it knows tap devices only; try: --backend qemu$'
	expect_exit 125 "--accel tcg" smolsh create none --no-start --accel tcg --firecracker "$sim"
	expect_err "--accel tcg: why" 'backend firecracker cannot run guests without KVM: it knows nothing but KVM'
	expect_exit 125 "--vsock kernel" smolsh run --vsock kernel --firecracker "$sim" -- true
	expect_err "--vsock kernel: why" "backend firecracker cannot have vsock by the host's kernel: it has vsock of its own"
fi
same "nothing was registered" "$(registered)" 0

# Which one it is, and why.
check "auto" smolsh create web --no-start
expect_exit 0 "auto: info" smolsh info web
expect_out "auto: info says why" '^backend +qemu \(auto; firecracker (is not installed|fits as well, qemu does more)\)$'
check "named" smolsh create named --no-start --backend qemu
expect_exit 0 "named: info" smolsh info named
expect_out "named: info says why" '^backend +qemu \(as asked\)$'
expect_exit 0 "caps VM" smolsh caps web
expect_out "caps VM: its backend, and why that" '^backend +qemu \(auto'
expect_out "caps VM: what it cannot" '^vsock-vmm +no +its vsock is a device beside it$'
expect_exit 0 "caps of several, as JSON" smolsh --json caps web named
expect_out "caps of several: each" '"name":"web".*"name":"named"'
expect_exit 125 "a verb that it lacks" smolsh snapshot web
expect_err "a verb that it lacks: why, and what would work" \
	'backend qemu cannot .*: its vsock device cannot be migrated; try: --backend firecracker$'
check "delete" smolsh delete --yes web named

# The one in PATH is taken where it can run only.
if [ -x "$sim" ] && smolsh caps | grep -q '^qemu .*, tcg ('; then
	mkdir "$t_dir/path"
	ln -s "$sim" "$t_dir/path/firecracker"
	found() { PATH=$t_dir/path:$PATH smolsh "$@"; }
	expect_exit 125 "one in PATH, without KVM" found create none --no-start --backend firecracker
	expect_err "one in PATH: why not, and the mend" 'Firecracker needs KVM, which cannot be used here: .*; try: --backend qemu'
	expect_exit 0 "one in PATH: caps" found caps
	expect_out "one in PATH: caps says the same" '^firecracker +not here: .*KVM'
fi

# Without vsock nobody is dialled: every verb that would need it says so at once.
check "no vsock" smolsh create mute --no-vsock --memory 96
no_vsock="VM 'mute' has no vsock, so its agent cannot be reached; try: create it without --no-vsock; smolsh logs mute shows its console"
mute() {
	local want=$1 what=$2
	shift 2
	expect_exit "$want" "no vsock: $what" timeout 20 "$SMOLSH_BUILD/smolsh" "$@"
	expect_err "no vsock: $what says so" "$no_vsock"
}
mute 125 exec exec mute -- true
mute 125 "exec -d" exec -d mute true
mute 125 "cp in" cp /etc/hostname mute:/x
mute 125 "cp out" cp mute:/etc/hostname "$t_dir/x"
mute 125 jobs jobs mute
mute 125 attach attach mute 1
mute 125 cancel cancel mute 1
mute 125 sysinfo sysinfo mute
mute 1 health health mute
mute 125 "wait --job" wait mute --job 1
mute 125 forward forward mute 127.0.0.1:0:80
expect_exit 0 "no vsock: caps" smolsh caps mute
expect_out "no vsock: caps says so" '^vsock +none$'
expect_exit 0 "no vsock: stats goes without its agent" timeout 20 "$SMOLSH_BUILD/smolsh" stats mute
check "delete" smolsh delete --force --yes mute

if [ -x "$sim" ]; then
	check "Firecracker (simulated) with a balloon" smolsh create small --memory 128 --balloon --firecracker "$sim"
	expect_exit 0 "caps of it" smolsh caps small
	expect_out "caps of it: its vsock" '^vsock +by the hypervisor itself$'
	expect_out "caps of it: what its version is known for" '^known +a snapshot resets every vsock connection$'
	expect_exit 0 "balloon" smolsh balloon small 96
	expect_exit 0 "balloon: how it is" smolsh balloon small
	expect_out "balloon: what its guest has" '^96M of 128M, asked to keep 96M$'
	expect_exit 0 "balloon: grow" smolsh balloon small 128
	check "balloon: no driver" smolsh exec small -- rmmod virtio_balloon
	expect_exit 125 "balloon: without a driver it gives nothing" smolsh balloon small 96 --timeout 1
	expect_err "balloon: what it has" "VM 'small' has 128 MiB, and not 96 in time"
	check "delete" smolsh delete --force --yes small
fi

t_end
