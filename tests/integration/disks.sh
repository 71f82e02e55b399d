#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# --disk: a VM's own disks, which stay over stop and start and go with it; files of somebody else,
# which stay whatever happens; what is read-only, in use, or no disk. And --net user, on the same VM.
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name
. "$(dirname "$0")/lib.sh"
t_begin disks

guest() { smolsh exec web -- sh -c "$1"; }
disk0() { find "$SMOLSH_HOME/state" -name disk0.raw; }
no_vm() { [ -z "$(smolsh list -q)" ]; }

# Refused before a VM is there.
truncate -s 1M "$t_dir/file.img" "$t_dir/shared, by=two.img"
printf 'from the host\n' | dd of="$t_dir/shared, by=two.img" conv=notrunc status=none
truncate -s 1000 "$t_dir/odd.img"
{ printf 'QFI\373'; head -c 1020 /dev/zero; } >"$t_dir/q.img"
refused() { # WHAT REGEX OPTION...
	local what=$1 regex=$2
	shift 2
	expect_exit 2 "$what" smolsh create web "$@"
	expect_err "$what: said" "$regex"
}
refused "qcow2" 'q.img is qcow2, not raw; try: qemu-img convert -O raw ' --disk "$t_dir/q.img"
cp "$t_dir/file.img" "$t_dir/"$'\377.img'
refused "a path that is not UTF-8" '\\xff\.img: the path is not UTF-8' --disk "$t_dir/"$'\377.img'
refused "half a sector" 'not whole sectors of 512' --disk "$t_dir/odd.img"
refused "not there" 'No such file.*; try: a size with a unit' --disk "$t_dir/none.img"
refused "a directory" 'Is a directory' --disk "$t_dir"
refused "too small" 'a disk has 1M to 64T' --disk 1023K
refused "too large" 'a disk has 1M to 64T' --disk 65T
refused "twice" 'file.img stands there twice' --disk "$t_dir/file.img" --disk "$t_dir/file.img:ro"
eight=()
for _ in 1 2 3 4 5 6; do eight+=(--disk 1M); done
eight=(--disk 64M "${eight[@]}" --disk "$t_dir/shared, by=two.img:ro")
refused "nine" 'more than 8 disks' "${eight[@]}" --disk 1M
check "no VM is left of what was refused" no_vm

# Eight of them, in their order: the VM's own, and the last one a file that nobody may write.
check "create with eight disks, and a network" smolsh create web --net user "${eight[@]}"
expect_exit 0 "their sizes" guest 'for d in a b c d e f g h; do cat /sys/block/vd$d/size; done | paste -sd" "'
same "as they were given" "$t_out" "131072 2048 2048 2048 2048 2048 2048 2048"
expect_exit 0 "info" smolsh info web
expect_out "info: an own one" '^disk +/dev/vda: 64M, .*/disk0\.raw$'
expect_out "info: a file" '^disk +/dev/vdh: .*/shared, by=two\.img, read-only$'
expect_exit 0 "info as JSON" smolsh --json info web
expect_out "info as JSON: both kinds" '"size":67108864,"readonly":false.*two.img","readonly":true'
check "sparse" [ "$(du -k "$(disk0)" | cut -f1)" -lt 1024 ]
expect_exit 0 "what is read-only can be read" guest 'head -n 1 /dev/vdh'
same "what is in it" "$t_out" "from the host"
expect_exit 1 "and not be written" guest 'echo no | dd of=/dev/vdh bs=512 conv=fsync,sync 2>/dev/null || exit 1'
check "write" guest 'printf "kept\n" | dd of=/dev/vda bs=512 seek=100 conv=sync,fsync 2>/dev/null'

# The host's loopback is its gateway's.
python3 -c '
import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
s.accept()[0].sendall(b"over the network\n")' >"$t_dir/port" &
check "a server on the host" t_until test -s "$t_dir/port"
expect_exit 0 "--net user: the guest reaches the host" timeout 30 "$SMOLSH_BUILD/smolsh" exec web -- nc -w 20 10.0.2.2 "$(cat "$t_dir/port")"
same "--net user: and hears it" "$t_out" "over the network"
expect_exit 0 "--net user: whom it asks for names" smolsh exec web -- cat /etc/resolv.conf
same "--net user: the network's own server" "$t_out" "nameserver 10.0.2.3"

# A read-only file is for many, and for nobody who would write it.
expect_exit 0 "another VM reads it, too" smolsh run --disk "$t_dir/shared, by=two.img:ro" -- head -n 1 /dev/vda
same "what it reads" "$t_out" "from the host"
expect_exit 125 "another VM would write it" smolsh run --disk "$t_dir/shared, by=two.img" -- true
expect_err "another VM would write it: said" 'two.img is in use by another VM; try: stop that one'

# What a guest writes is its own business, whatever it looks like.
check "write what looks like gzip" guest 'printf "\037\213\010" | dd of=/dev/vda bs=512 conv=sync,fsync 2>/dev/null'
check "stop" smolsh stop web
check "start" smolsh start web
read_back='dd if=/dev/vda bs=512 skip=100 count=1 2>/dev/null | head -n 1'
expect_exit 0 "after stop and start" guest "$read_back"
same "it has stayed" "$t_out" "kept"
kill -9 "$(t_pid web hypervisor)"
check "the hypervisor is killed" t_until t_is web died
check "start after that" smolsh start web
expect_exit 0 "after a kill and a start" guest "$read_back"
same "it has stayed, too" "$t_out" "kept"

# One of its own is grown while it is stopped; the guest sees the size, and what was there.
grow() { # WHAT CODE REGEX DISK SIZE
	expect_exit "$2" "grow: $1" smolsh disk grow web "$4" "$5"
	expect_err "grow: $1: said" "$3"
}
grow "it runs" 125 "VM 'web' is running; try: smolsh stop web" 0 128M
check "stop again" smolsh stop web
grow "smaller" 2 'has 64M \(67108864 bytes\): a disk can grow, not shrink' 0 32M
grow "too large" 2 'a disk has 1M to 64T' 0 65T
grow "no unit" 2 "SIZE: '128' is not a size with a unit" 0 128
grow "no such disk" 2 "VM 'web' has no disk '8'; try: smolsh disk list web" 8 128M
grow "somebody else's" 2 "two.img is not the VM's own.*; try: truncate -s 134217728 " /dev/vdh 128M
check "grow" smolsh disk grow web 0 128M
check "grow by its device" smolsh disk grow web /dev/vdb 2M
expect_exit 0 "grow by its file, as JSON" smolsh --json disk grow web "$(disk0)" 192M
expect_out "grow as JSON" '"number":0,"device":"/dev/vda","path":".*/disk0\.raw","own":true,"readonly":false,"size":201326592,'
expect_exit 0 "disk list" smolsh disk list web
expect_out "disk list: an own one" '^0  /dev/vda  192M .* own +/.*/disk0\.raw$'
expect_out "disk list: a file" '^7  /dev/vdh +1M .* read-only +/.*/shared, by=two\.img$'
expect_exit 0 "disk list as JSON" smolsh --json disk list web
same "disk list as JSON: all of them" "$(grep -o '"number"' <<<"$t_out" | wc -l)" 8
check "start with grown disks" smolsh start web
expect_exit 0 "the guest's sizes" guest 'cat /sys/class/block/vd[ab]/size | paste -sd" "'
same "the guest's sizes: grown" "$t_out" "393216 4096"
expect_exit 0 "grown, and read back" guest "$read_back"
same "it has stayed in what was grown" "$t_out" "kept"

# More than a file may have is told, and leaves no VM.
too_large() { (trap '' XFSZ; ulimit -f 1024; smolsh create none --no-start --disk 1G); }
expect_exit 125 "a disk too large for the host" too_large
expect_err "a disk too large: said" 'cannot make the disk .*/disk0\.raw: its file system, or ulimit -f, takes no file of 1G; try: a smaller size \(ext4'
expect_exit 125 "a disk too large: no VM" smolsh info none

# A file that has gone meanwhile is missed at the start.
check "stop once more" smolsh stop web
mv "$t_dir/shared, by=two.img" "$t_dir/away.img"
expect_exit 125 "a file is gone" smolsh start web
expect_err "a file is gone: said" 'disk .*two\.img: No such file.*; try: put the file back, or smolsh delete web'
mv "$t_dir/away.img" "$t_dir/shared, by=two.img"

check "delete" smolsh delete web --force --yes
same "its own disks go with it" "$(find "$SMOLSH_HOME/state" -name 'disk*.raw')" ""
same "the file stays as it was" "$(head -n 1 "$t_dir/shared, by=two.img")" "from the host"

# A file that is written, and stays.
expect_exit 0 "write a file" smolsh run --disk "$t_dir/file.img" -- sh -c 'printf "from the guest\n" | dd of=/dev/vda bs=512 conv=sync,fsync 2>/dev/null'
same "the host has it" "$(head -n 1 "$t_dir/file.img" | tr -d '\0')" "from the guest"
t_end
