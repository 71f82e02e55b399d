#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Bad input: each a clear error with a mend, nothing half-made left, nothing lost.
# shellcheck disable=SC2016,SC2317 # words for another shell; functions called by name
. "$(dirname "$0")/lib.sh"
t_begin input

expect_exit 2 "unknown command" smolsh exce web -- true
expect_err "unknown command: the nearest" "did you mean 'exec'"
expect_exit 2 "unknown option" smolsh create --memroy 128
expect_err "unknown option: the nearest" '--memory'
expect_exit 2 "a missing value" smolsh create --memory
expect_exit 2 "no command for exec" smolsh exec
expect_exit 2 "an open quote" smolsh -c 'exec web "abc'
expect_err "an open quote: where" 'line 1'
expect_exit 125 "no such VM" smolsh exec nosuch -- true
expect_err "no such VM: the mend" 'smolsh create'

for m in 1 1M 1MiB 0 10T 99999999T -5 x 1.5x ''; do
	expect_exit 2 "--memory '$m' is refused" smolsh create mem --no-start "--memory=$m"
done
for c in 0 -1 1000 two; do
	expect_exit 2 "--cpus '$c' is refused" smolsh create cpu --no-start "--cpus=$c"
done
for n in '' '../x' 'a b' '-x' "$(printf 'n%.0s' {1..80})" $'a\nb'; do
	expect_exit 2 "name '${n:0:10}' is refused" smolsh create --no-start --name="$n"
done
expect_exit 2 "an accelerator nobody knows" smolsh create acc --no-start --accel hvf
expect_err "an accelerator nobody knows: those there are" 'auto.*kvm.*tcg'
if smolsh doctor | grep -q 'accelerator *tcg'; then
	expect_exit 125 "KVM where guests cannot run" smolsh create acc --accel kvm
	expect_err "KVM where guests cannot run: why, and the mend" 'KVM cannot be used here: .*(vmx|/dev/kvm).*try: --accel auto'
fi
expect_exit 2 "a backend nobody knows" smolsh create back --no-start --backend vmware
expect_out "nothing was registered" '.*'
same "nothing was registered by all of these" "$(smolsh --json list)" '{"ok":true,"data":[]}'

# A kernel that is no kernel.
echo 'not a kernel' >"$t_dir/kernel"
expect_exit 2 "a kernel that is no kernel" smolsh create k --kernel "$t_dir/kernel"
expect_err "a kernel that is no kernel: said so" 'kernel'
expect_exit 2 "a kernel that is not there" smolsh create k --kernel "$t_dir/nothing"
expect_err "a kernel that is not there: named" "$t_dir/nothing"
expect_exit 125 "a kernel that is no kernel: nothing is left" smolsh info k
check "no process is left" t_until t_no_processes

# No QEMU: PATH with nothing in it.
mkdir "$t_dir/empty"
expect_exit 125 "no QEMU installed" env PATH="$t_dir/empty" "$SMOLSH_BUILD/smolsh" run -- true
expect_err "no QEMU installed: the mend" 'apt-get install qemu-system-x86'
same "no QEMU installed: nothing is left" "$(smolsh --json list)" '{"ok":true,"data":[]}'

# An image that is not there, or damaged.
expect_exit 125 "SMOLSH_IMAGES names nothing" env SMOLSH_IMAGES="$t_dir/nope" "$SMOLSH_BUILD/smolsh" create x
expect_err "SMOLSH_IMAGES names nothing: said so, with the mend" "SMOLSH_IMAGES: there is no directory $t_dir/nope; try: smolsh image build"
expect_exit 2 "SMOLSH_IMAGES is relative" env SMOLSH_IMAGES=images "$SMOLSH_BUILD/smolsh" create x
expect_err "SMOLSH_IMAGES is relative: said so" 'SMOLSH_IMAGES is not an absolute path'
expect_exit 125 "no such image" smolsh create --image nosuch
expect_err "no such image: the mend" 'smolsh image build'
mkdir -p "$t_dir/images"
cp -r "$SMOLSH_IMAGES/base" "$t_dir/images/dmg"
printf 'X' | dd of="$t_dir/images/dmg/initramfs.cpio" bs=1 seek=5000 conv=notrunc status=none
expect_exit 125 "a damaged image" env SMOLSH_IMAGES="$t_dir/images" "$SMOLSH_BUILD/smolsh" create d --image dmg
expect_err "a damaged image: it and its part are named" "dmg.*initramfs"
expect_exit 125 "a damaged image: nothing is left" smolsh info d
cp -r "$SMOLSH_IMAGES/base" "$t_dir/images/cut"
truncate -s 1000000 "$t_dir/images/cut/vmlinux"
expect_exit 125 "an image cut short" env SMOLSH_IMAGES="$t_dir/images" "$SMOLSH_BUILD/smolsh" create d --image cut
expect_err "an image cut short: it and its part are named" "cut.*vmlinux"
# An image removed under a stopped VM.
cp -r "$SMOLSH_IMAGES/base" "$t_dir/images/brief"
check "a VM of an image" env SMOLSH_IMAGES="$t_dir/images" "$SMOLSH_BUILD/smolsh" create b --image brief --no-start
rm -rf "$t_dir/images/brief"
expect_exit 125 "its image is removed: start" smolsh start b
expect_err "its image is removed: named, with the mend" "brief.*smolsh image build"
expect_exit 0 "its image is removed: the VM is still listed" smolsh info b
expect_exit 0 "its image is removed: it can be deleted" smolsh delete --yes b

# A home that cannot be written: a read-only mount, in a namespace of its own.
if unshare -m true 2>/dev/null; then
	expect_exit 125 "a read-only home" unshare -m sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && "$1" create ro --no-start' "$SMOLSH_HOME" "$SMOLSH_BUILD/smolsh"
	expect_err "a read-only home: the mend" 'SMOLSH_HOME|XDG_STATE_HOME|written'
	expect_exit 125 "a full disk" unshare -m sh -c 'mkdir -p "$0/state" && mount -t tmpfs -o size=64k none "$0/state" && head -c 100k /dev/zero >"$0/state/fill"; "$1" create full' "$SMOLSH_HOME" "$SMOLSH_BUILD/smolsh"
	expect_err "a full disk: said so" 'space|full'
	# A VM whose disk fills all, and a registry that somebody has open, as a monitor has.
	cat >"$t_dir/fill" <<-'END'
		mount -t tmpfs -o size=2m none "$SMOLSH_HOME/state" && cd "$SMOLSH_HOME/state" || exit 99
		"$1" create full --no-start --disk 1M
		head -c 1M /dev/urandom | dd conv=notrunc status=none of="$(echo vms/*/disk0.raw)"
		[ "$2" = alone ] || { exec 7> >(exec sqlite3 registry.db) && echo "SELECT 1 FROM vm;" >&7; }
		[ "$2" = alone ] || until [ -e registry.db-shm ]; do sleep 0.05; done
		head -c 3M /dev/zero >fill
		"$1" delete full && [ -z "$("$1" list -q)" ]
	END
	expect_exit 125 "a disk that is full" unshare -m bash "$t_dir/fill" "$SMOLSH_BUILD/smolsh" alone
	expect_err "is what is said" 'no space left for the registry; try: free some'
	expect_exit 0 "full of a VM's own: that can be deleted" unshare -m bash "$t_dir/fill" "$SMOLSH_BUILD/smolsh" open
else
	echo "# no mount namespaces here: read-only home and full disk are not tried"
fi

# shellcheck disable=SC2317 # called by name
few() { (ulimit -n 20; smolsh run -- true); }
expect_exit 125 "a limit of few open files" few
expect_err "is named" 'try: ulimit -n 1024$'

# A runtime directory that others can write is refused.
expect_exit 125 "a home that is no directory" env SMOLSH_HOME=/dev/null "$SMOLSH_BUILD/smolsh" create x --no-start
mkdir -p "$t_dir/open/run"
chmod 0777 "$t_dir/open/run"
expect_exit 125 "a runtime directory open to others" env SMOLSH_HOME="$t_dir/open" "$SMOLSH_BUILD/smolsh" create x
expect_err "a runtime directory open to others: said so" 'only its owner'

# A damaged registry.
mkdir -p "$t_dir/broken/state"
head -c 8192 /dev/urandom >"$t_dir/broken/state/registry.db"
expect_exit 125 "a damaged registry" env SMOLSH_HOME="$t_dir/broken" "$SMOLSH_BUILD/smolsh" list
expect_err "a damaged registry: the mend" 'registry.db.damaged'
expect_exit 1 "doctor names it, too" env SMOLSH_HOME="$t_dir/broken" "$SMOLSH_BUILD/smolsh" doctor
expect_out "doctor: the registry" 'registry'
check "a damaged registry is left as it is" test "$(stat -c %s "$t_dir/broken/state/registry.db")" -eq 8192

# The registry is lost while a VM runs: doctor knows of it, and how to end it.
check "a VM that runs" smolsh create alive --memory 96
id=$(smolsh list | awk '/^alive/{print $2}')
same "doctor, with the registry: nothing is unknown" "$(smolsh doctor | grep -c 'not in it')" 0
mkdir "$t_dir/kept"
mv "$SMOLSH_HOME"/state/registry.db* "$t_dir/kept"
expect_exit 0 "the registry is lost: doctor" smolsh doctor
expect_out "the registry is lost: doctor" "VMs run that are not in it: $id"
mend=$(grep -oE 'kill [0-9]+' <<<"$t_out")
# shellcheck disable=SC2086 # it is a command
check "the registry is lost: doctor's mend" $mend
check "the registry is lost: the VM ends" t_until t_no_processes
mv "$t_dir"/kept/* "$SMOLSH_HOME/state"
expect_exit 0 "the registry is back: list" smolsh list
expect_out "the registry is back: it is not said to run" '^alive .* (stopped|died) '

# One bad row does not make the others unreachable (16).
check "create two" smolsh -c 'create good --no-start; create bad --no-start'
sqlite3 "$SMOLSH_HOME/state/registry.db" "UPDATE vm SET config='{' WHERE name='bad'"
expect_exit 0 "one bad row: list" smolsh list
expect_out "one bad row: the good one is shown" '^good'
expect_err "one bad row: the other is mentioned" 'row|registry'

t_end
