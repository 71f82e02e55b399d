#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# vsock by the kernel, for real, and without touching this host's own: a guest is the host. Its
# kernel has vhost_vsock; QEMU, smolsh and the image are copied into it, and what runs there under
# two emulators is slow: a boot takes a minute and more.
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name
: "${T_LIMIT:=2700}"
. "$(dirname "$0")/../integration/lib.sh"
t_begin nested

boot=600s # of a guest in the guest
qemu=$(command -v qemu-system-x86_64) || { not_ok "qemu-system-x86_64 is there"; t_end; }
programs=(smolsh smolsh-monitor smolsh-vsockd smolsh-forward smolsh-agent)

# In the guest that is the host.
on_host() { smolsh exec --timeout 900s host -- "$@"; }
inner() {
	smolsh exec --timeout 900s host -- env SMOLSH_HOME=/root/home SMOLSH_IMAGES=/opt/smolsh/images \
		PATH=/opt/smolsh:/usr/sbin:/usr/bin:/sbin:/bin smolsh "$@"
}
inner_i() {
	smolsh exec --timeout 900s -i host -- env SMOLSH_HOME=/root/home \
		SMOLSH_IMAGES=/opt/smolsh/images PATH=/opt/smolsh:/usr/sbin:/usr/bin:/sbin:/bin smolsh "$@"
}
field() { inner --json info "$1" | tr -d '\n' | grep -oE "\"$2\":\"?[^,\"}]*" | tail -n 1 | sed 's/^[^:]*:"\{0,1\}//'; }

inner_pid() { inner --json info "$1" | tr -d '\n' | sed -E "s/.*\"$2\":\{[^}]*\"pid\":([0-9]+).*/\1/"; }

# What QEMU is made of: itself, its libraries and accelerators, the firmware of a PC.
qemu_files() {
	local dir name
	echo "$qemu"
	ls /usr/lib/*/qemu/accel-tcg-x86_64.so 2>/dev/null
	while read -r dir; do
		for name in bios-256k.bin kvmvapic.bin linuxboot_dma.bin pvh.bin; do
			[ ! -f "$dir/$name" ] || realpath -s "$dir/$name"
		done
	done < <("$qemu" -L help)
}
libraries() { ldd "$@" | awk '$3 ~ /^\// { print $3 }'; }

copy_programs() {
	local top=$t_dir/top
	mkdir -p "$top/opt/smolsh/images" && cp "${programs[@]/#/$SMOLSH_BUILD/}" \
		"$SMOLSH_BUILD/tests/nested/hold_cid" "$top/opt/smolsh" &&
		strip "$top"/opt/smolsh/[sh]* && cp -r "$SMOLSH_IMAGES/base" "$top/opt/smolsh/images" &&
		{
			qemu_files
			libraries "$qemu" "${programs[@]/#/$SMOLSH_BUILD/}"
		} | sed 's|^/||' | sort -u >"$t_dir/files" &&
		tar -chf "$t_dir/all.tar" -C / -T "$t_dir/files" -C "$top" opt &&
		smolsh exec -i host -- tar -C / -xf - <"$t_dir/all.tar"
}

# hold CID: another program on the host has it, until release.
hold() {
	mkfifo "$t_dir/fifo"
	exec {holding}<>"$t_dir/fifo"
	smolsh exec -i host -- /opt/smolsh/hold_cid "$1" <"$t_dir/fifo" >"$t_dir/held" 2>&1 &
	holder=$!
	t_until grep -q . "$t_dir/held"
	same "another program takes CID $1" "$(cat "$t_dir/held")" held
}
release() {
	on_host killall hold_cid
	wait "$holder"
	exec {holding}>&-
	rm -f "$t_dir/fifo" "$t_dir/held"
}
# The kernel's word: nobody has it, or somebody has.
is_free() { on_host /opt/smolsh/hold_cid "$1" </dev/null; }
is_taken() { on_host /opt/smolsh/hold_cid "$1" </dev/null | grep -qx "Address already in use"; }

check "a program that holds a CID is built" make -C "$SMOLSH_BUILD" tests/nested/hold_cid
check "the host: a guest" smolsh create --memory 1536M --cpus 2 host
check "it gets QEMU, smolsh and the image" copy_programs

# A host without the module.
expect_exit 125 "--vsock kernel without the module" inner create --vsock kernel none
expect_err "... says what is missing, and what loads it" "no /dev/vhost-vsock; try: modprobe vhost_vsock"
expect_exit 0 "... and nothing was made" inner -q list
same "... at all" "$t_out" ""
check "the host's kernel loads vhost_vsock" on_host modprobe vhost_vsock
match "doctor says whose vsock it is" "/dev/vhost-vsock is usable" "$(inner doctor)"

expect_exit 2 "--vsock-path has no meaning there" inner create --vsock kernel --vsock-path /tmp/v none
expect_err "... and that is said" "reached by its CID"

# Another program has the CID that the VM was to get.
check "create --no-start" inner create --no-start --vsock kernel web
first=$(field web cid)
hold "$first"
check "start: boots all the same" inner start --boot-timeout "$boot" web
cid=$(field web cid)
[ -n "$cid" ] && [ "$cid" != "$first" ]
same "... with another CID: $cid" $? 0
expect_exit 0 "the journal" inner logs --journal web
expect_out "... tells of both" "\"taken\":$first,\"now\":$cid"
release
check "the kernel gives the VM's CID to nobody else" is_taken "$cid"
check "... and the first is free again" is_free "$first"

expect_exit 0 "info" inner info web
expect_out "info: kernel, and why" "^vsock device +kernel: kernel \(as asked\)"
expect_out "info: CID and port, no path" "^vsock +enabled: CID $cid, port 5000$"
same "no smolsh-vsockd runs" "$(on_host sh -c 'ps | grep -c "[s]molsh-vsockd"')" 0
same "no vsock socket in the file system" "$(on_host sh -c 'find /root/home/run -type s | sed s,.*/,,')" \
	"monitor.sock"

expect_exit 0 "exec over AF_VSOCK" inner exec web -- uname -n
same "... its output" "$t_out" web
expect_exit 7 "... its exit code" inner exec web -- sh -c 'exit 7'
same "... its stdin and its end" "$(printf 'a\nb\n' | inner_i exec -i web -- wc -l)" 2
same "... a MiB, counted" "$(inner exec web -- head -c 1048576 /dev/zero | wc -c)" 1048576
expect_exit 124 "... its timeout" inner exec --timeout 2s web -- sleep 60
check "health" inner health web
check "cp: in" inner cp /etc/passwd web:/tmp/p
check "cp: out" inner cp web:/tmp/p /tmp/p
same "cp: the same" "$(on_host sha256sum /tmp/p | cut -c 1-64)" "$(on_host sha256sum /etc/passwd | cut -c 1-64)"
job=$(inner exec -d web -- sh -c 'echo from the job; exit 3')
expect_exit 3 "attach: output and exit code of a job" inner attach web "$job"
expect_out "... its output" "from the job"
check "forward" inner forward web 8080:80
inner exec -d web -- sh -c 'echo over the relay | nc -l -p 80' >"$t_dir/listener"
relayed() { [ "$(on_host sh -c 'nc -w 20 127.0.0.1 8080 </dev/null')" = "over the relay" ]; }
check "... a connection goes through" t_until relayed
check "pause" inner pause web
check "resume" inner resume web
expect_exit 0 "exec after that" inner exec web -- true

# A CID that is asked for is that one or none.
expect_exit 125 "--cid of another VM" inner create --vsock kernel --cid "$cid" two
expect_err "... is refused" "CID $cid is taken by another VM"
hold 4242
expect_exit 125 "--cid 4242" inner create --vsock kernel --cid 4242 two
expect_err "... is refused, with who to ask" "CID 4242 is taken by another program on this host; try: lsof"
release
same "... and nothing is left of it" "$(inner -q list)" web

# auto takes the kernel's where it can; two guests, each reached as itself.
check "a second VM, --vsock auto" inner create --boot-timeout "$boot" --cid 4242 two
expect_exit 0 "info" inner info two
expect_out "auto: the kernel's, and why" "^vsock device +auto: kernel \(/dev/vhost-vsock can be used\)"
same "each of two is reached as itself" "$(inner exec web -- uname -n) $(inner exec two -- uname -n)" "web two"

# The claim's end is the hypervisor's, however it ends.
check "its monitor is killed" on_host kill -9 "$(inner_pid two monitor)"
check "... and its CID is free" t_until is_free 4242
expect_exit 125 "... exec says so" inner exec two -- true
expect_err "... why" "its monitor was killed"

check "stop" inner stop web
check "its CID is free" is_free "$cid"
check "delete" inner delete --all --yes
same "no process is left there" "$(on_host sh -c 'ps | grep -c "[q]emu-system\|[s]molsh-monitor"')" 0
same "no file is left there" "$(on_host sh -c 'find /root/home/run /root/home/state/vms ! -type d')" ""
t_end
