#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# balloon: a guest gives memory back to the host while it runs, and gets it again.
# shellcheck disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"
t_begin balloon

# The guest's memory that the host holds; info counts what the hypervisor needs beside it.
resident_kb() { awk '/^RssShmem/ { print $2 }' "/proc/$pid/status"; }
free_kb() { smolsh exec web -- awk '/^MemFree/ { print $2 }' /proc/meminfo; }
# The guest has used so many MiB, and needs them no more.
use() { smolsh exec web -- sh -c 'mount -t tmpfs -o size=100% none /mnt && dd if=/dev/zero of=/mnt/x bs=1M count='"$1"' 2>/dev/null && umount /mnt'; }
less_than() { [ "$("$2")" -lt "$1" ]; }

check "create" smolsh create web --memory 448 --balloon
pid=$(t_pid web hypervisor)
expect_exit 0 "how it is" smolsh balloon web
expect_out "all of it" '^448M of 448M, asked to keep 448M$'
check "the guest uses memory" use 300
before=$(resident_kb)
check "the host has given it" [ "$before" -gt $((300 * 1024)) ]

expect_exit 0 "shrink" smolsh balloon web 128M
expect_exit 0 "how it is then, as JSON" smolsh --json balloon web
expect_out "it has what it was asked to keep" '"memory_mib":448,"target_mib":128,"actual_mib":128'
check "in the guest" less_than 131072 free_kb
check "the host has it back" less_than $((before - 200 * 1024)) resident_kb
expect_exit 0 "vsock goes on: 8 MiB out" smolsh exec web -- sh -c 'yes | head -c 8388608'
same "all of them" "$(wc -c <"$t_dir/out")" 8388608
expect_exit 0 "and 1 MiB in" sh -c 'head -c 1048576 /dev/urandom >"$1/in"; "$2/smolsh" exec -i web -- sha256sum <"$1/in"' - "$t_dir" "$SMOLSH_BUILD"
same "as it was" "${t_out%% *}" "$(sha256sum <"$t_dir/in" | cut -d' ' -f1)"

expect_exit 0 "grow" smolsh balloon web 448
check "the guest has it, and can use it" use 300
check "and the host gives it again" [ "$(resident_kb)" -gt $((300 * 1024)) ]

for size in 79 449 1T; do
	expect_exit 2 "SIZE $size" smolsh balloon web $size
	expect_err "SIZE $size: the bounds" "VM 'web' can keep 80 to 448 MiB"
done
for size in 0 -1 x '' 1.5 ' 128' 1e3; do
	expect_exit 2 "SIZE '$size'" smolsh balloon web -- "$size"
	expect_err "SIZE '$size': what it would have to be" "SIZE: '.*' is not a size such as 128"
done

# A guest without a driver gives nothing, and that is said.
check "no driver" smolsh exec web -- rmmod virtio_balloon
for timeout in 0 0.5; do
	expect_exit 125 "no driver: it gives nothing in $timeout s" smolsh balloon web 256 --timeout $timeout
	expect_err "no driver: what it has, and why" "VM 'web' has 448 MiB, and not 256 in time; try: its guest may need"
done
check "the driver comes, and does what was asked" smolsh exec web -- modprobe virtio_balloon
expect_exit 0 "once it is there" smolsh balloon web 256

check "pause" smolsh pause web
expect_exit 125 "paused" smolsh balloon web 448
expect_err "paused: what would help" "VM 'web' is paused; try: smolsh resume web"
check "resume" smolsh resume web
check "stop" smolsh stop web
expect_exit 125 "stopped" smolsh balloon web
expect_err "stopped: what would help" "VM 'web' is stopped; try: smolsh start web"

check "create without" smolsh create bare --no-start
expect_exit 125 "without: refused" smolsh balloon bare 128
expect_err "without: the mend" "VM 'bare' has no balloon.*; try: smolsh create --balloon"

t_end
