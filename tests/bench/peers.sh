# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with bench.sh
# The peers of the bench, and the guests they run in. Sourced by bench.sh.
#
# What is not on the machine is put into `absent` with the reason, and its cells stay empty. Every
# process that is started here is in `started` (pid by pid) and is ended by end_all.

: "${build:?}" "${tmp:?}" "${tools:?}"

declare -A absent=()
declare -a started=()

agent_port=5000
ready_port=5001
peer_cid=4242
memory=768 # MiB, of the guests in which commands run

note() { printf 'bench: %s\n' "$*" >&2; }

# end PID: a process of ours, and wait until it is gone.
end() {
	local i keep=()
	kill "$1" 2>/dev/null
	for ((i = 0; i < 50; i++)); do
		kill -0 "$1" 2>/dev/null || break
		read -rt 0.1 <> <(:)
	done
	kill -9 "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	for i in "${started[@]}"; do
		[ "$i" = "$1" ] || keep+=("$i")
	done
	started=("${keep[@]}")
}

end_all() {
	local i
	for ((i = ${#started[@]} - 1; i >= 0; i--)); do
		end "${started[i]}"
	done
}

# until_true COMMAND…: within 60 s, or fail. For what has no descriptor to wait on.
until_true() {
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		read -rt 0.1 <> <(:)
	done
	return 1
}

program() { PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v "$1"; }

# ---- images ----

# The modules of the image's kernel: unpacked from its package, or the host's own.
modules_dir() {
	local version=$1 package
	if [ -d "/lib/modules/$version" ]; then
		echo "/lib/modules/$version"
		return
	fi
	package=$(find "$tmp/home/cache/" -name "linux-image-${version}_*.deb" | head -n 1)
	if [ -z "$package" ]; then
		(cd "$tmp" && apt-get download -qq "linux-image-$version" >/dev/null 2>&1)
		package=$(find "$tmp" -maxdepth 1 -name "linux-image-${version}_*.deb" | head -n 1)
	fi
	[ -n "$package" ] && dpkg-deb -x "$package" "$tmp/kernel" || return 1
	find "$tmp/kernel" -type d -path "*lib/modules/$version"
}

# add_program FILE [PATH]: a program, at /usr/bin or that path, and the libraries that the loader
# would take, as --add options in the array `adds`.
add_program() {
	local file=$1 lib
	adds+=(--add "$file:${2:-/usr/bin/${file##*/}}")
	while read -r lib; do
		case " ${adds[*]} " in
		*" $lib:"*) ;;
		*) adds+=(--add "$lib:$lib") ;;
		esac
	done < <(ldd "$file" | sed -nE 's,^.* => (/[^ ]+) .*$,\1,p; s,^\s*(/[^ ]+) .*$,\1,p')
}

# Keys for ssh: the client's, and the server's.
make_keys() {
	mkdir -p "$tmp/ssh"
	ssh-keygen -q -t ed25519 -N '' -f "$tmp/ssh/key" &&
		dropbearkey -t ed25519 -f "$tmp/ssh/host" >/dev/null 2>&1 &&
		cp "$tmp/ssh/key.pub" "$tmp/ssh/authorized_keys" &&
		chmod 600 "$tmp/ssh/authorized_keys"
}

# The server's half of sftp, which dropbear lacks: installed, or unpacked from its package.
sftp_server() {
	local root
	for root in / "$tmp/sftp-server/"; do
		find "${root}usr/lib/openssh/sftp-server" 2>/dev/null && return
		[ "$root" != / ] || (
			mkdir -p "$tmp/sftp-server" && cd "$tmp/sftp-server" &&
				apt-get download -qq openssh-sftp-server && dpkg-deb -x ./*.deb .
		) >/dev/null 2>&1
	done
	return 1
}

# Image "bench": the base image's kernel, with the peers' programs beside the agent.
build_image() {
	local version modules console adds=() name file
	version=$(of_base kernel_version)
	modules=$(modules_dir "$version")
	if [ -z "$modules" ] || [ ! -f "$base/vmlinuz" ]; then
		absent[guest]="the modules of Linux $version are not to be had"
		return 1
	fi
	for name in qemu-ga socat dropbear; do
		file=$(program "$name") && add_program "$file" || absent[$name]="$name is not installed"
	done
	console=$(find "$modules" -name 'virtio_console.ko*' | head -n 1)
	if [ -n "$console" ]; then
		adds+=(--add "$console:/lib/bench/virtio_console.ko${console##*.ko}")
	else
		absent[qemu-ga]="the kernel has no virtio_console"
	fi
	if [ -z "${absent[dropbear]-}" ]; then
		if program ssh-keygen >/dev/null && program dropbearkey >/dev/null && make_keys; then
			adds+=(--add "$tmp/ssh/authorized_keys:/root/.ssh/authorized_keys"
				--add "$tmp/ssh/host:/etc/dropbear/host")
		else
			absent[dropbear]="ssh-keygen or dropbearkey is not installed"
		fi
	fi
	add_program "$tools/spawn_true"
	add_program "$tools/vsock_bulk"
	file=$(sftp_server) && add_program "$file" /usr/lib/sftp-server ||
		absent[sftp]="openssh-sftp-server is neither installed nor to be had"
	note "building an image with the peers' programs"
	"$build/smolsh" --quiet image build bench --kernel "$base/vmlinuz" --modules "$modules" \
		"${adds[@]}" >&2
}

# per_vm READY_PORT: the archive that tells a guest's agent its token and whom to tell that it is
# ready (0: nobody), to follow an image's; to stdout.
per_vm() {
	local dir=$tmp/per-vm
	mkdir -p "$dir/smolsh"
	printf '{"v":1,"token":"%s","name":"peer","guest_port":%d,"ready_port":%d}\n' \
		"$token" "$agent_port" "$1" >"$dir/smolsh/vm.json"
	(cd "$dir" && printf 'smolsh\nsmolsh/vm.json\n' | busybox cpio -o -H newc 2>/dev/null)
}

# ---- a guest without smolsh ----

# start_device DEVICE NAME: the vsock device of a plain QEMU, at $tmp/NAME.vhost and $tmp/NAME.uds.
start_device() {
	rm -f "$tmp/$2.vhost" "$tmp/$2.uds"
	if [ "$1" = ours ]; then
		"$build/smolsh-vsockd" --guest-cid "$peer_cid" --uds-path "$tmp/$2.uds" \
			--vhost-socket "$tmp/$2.vhost" 2>>"$tmp/$2.log" &
	else
		"$vhost_device_vsock" --guest-cid "$peer_cid" --uds-path "$tmp/$2.uds" \
			--socket "$tmp/$2.vhost" >>"$tmp/$2.log" 2>&1 &
	fi
	device_pid=$!
	started+=("$device_pid")
	until_true test -S "$tmp/$2.vhost" && until_true test -S "$tmp/$2.uds"
}

# value OPTION WORD…: what follows an option on a command line.
value() {
	local option=$1
	shift
	while [ $# -gt 1 ]; do
		[ "$1" = "$option" ] && printf '%s\n' "$2" && return
		shift
	done
}

# ask COMMAND: run by the agent of the peer's guest, its output to stdout.
ask() {
	printf '{"op":"exec","command":"%s","timeout":120,"token":"%s"}\n' "$1" "$token" |
		"$tools/vsock_pipe" ask "$tmp/peer.uds:$agent_port"
}
asked() { ask "$1" | grep -q '"exit_code":0'; }

# The peers' guest: the machine of our VM word for word, as its QEMU was started, but with devices
# for the peers.
start_peer_guest() {
	local qemu=() port pid
	pid=$(our_pid hypervisor)
	mapfile -d '' -t qemu <"/proc/$pid/cmdline"
	[ ${#qemu[@]} -gt 0 ] || return 1
	{ cat "$tmp/images/bench/initramfs.cpio" && per_vm 0; } >"$tmp/peer.cpio"
	start_device peer peer || return 1
	mkfifo "$tmp/qga.in" "$tmp/qga.out"
	port=$((20000 + RANDOM % 20000))
	"${qemu[0]}" -nodefaults -no-user-config -display none -no-reboot \
		-accel "$(value -accel "${qemu[@]}")" -cpu "$(value -cpu "${qemu[@]}")" \
		-M "$(value -M "${qemu[@]}")" -object "$(value -object "${qemu[@]}")" \
		-m "$(value -m "${qemu[@]}")" -smp "$(value -smp "${qemu[@]}")" \
		-kernel "$(value -kernel "${qemu[@]}")" -append "$(value -append "${qemu[@]}")" \
		-initrd "$tmp/peer.cpio" -serial "file:$tmp/peer.console" \
		-chardev "socket,id=vsock,path=$tmp/peer.vhost" \
		-device vhost-user-vsock-pci,chardev=vsock \
		-chardev "pipe,id=qga,path=$tmp/qga" \
		-device virtio-serial-pci \
		-device virtserialport,chardev=qga,name=org.qemu.guest_agent.0 \
		-chardev "socket,id=qga2,path=$tmp/qga.sock,server=on,wait=off" \
		-device virtserialport,chardev=qga2,name=org.qemu.guest_agent.1 \
		-netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:22" \
		-device virtio-net-pci,netdev=net,romfile= 2>>"$tmp/peer.log" &
	started+=("$!")
	ssh_port=$port
	until_true asked true
}

# ---- what runs in it ----

start_qemu_ga() {
	[ -z "${absent[qemu-ga]-}" ] || return 0
	asked 'insmod /lib/bench/virtio_console.ko*' &&
		asked 'mkdir -p /var/run; setsid qemu-ga -m virtio-serial -p /dev/vport*p1 </dev/null >/tmp/ga.log 2>&1 &' &&
		until_true "$tools/qga_exec" "$tmp/qga" ||
		absent[qemu-ga]="qemu-ga does not answer in the guest"
}

# A second one, for those who connect anew each time. Not before the first has been measured: it
# wakes up ten times a second while nobody is connected.
start_second_qemu_ga() {
	[ -z "${absent[qemu-ga]-}" ] &&
		asked 'mkdir -p /tmp/ga2; setsid qemu-ga -m virtio-serial -p /dev/vport*p2 -t /tmp/ga2 -f /tmp/ga2/pid </dev/null >/tmp/ga2/log 2>&1 &' &&
		until_true "$tools/qga_exec" "$tmp/qga.sock"
}

start_ssh() {
	local options=(-i "$tmp/ssh/key" -p "$ssh_port" -F none -o BatchMode=yes -o LogLevel=ERROR
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null)
	[ -z "${absent[dropbear]-}" ] || return 0
	if ! program ssh >/dev/null; then
		absent[dropbear]="ssh is not installed"
	elif asked 'modprobe virtio_net && ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0' &&
		asked 'setsid dropbear -r /etc/dropbear/host -F -E </dev/null >/tmp/db.log 2>&1 &' &&
		until_true ssh "${options[@]}" root@127.0.0.1 true; then
		ssh "${options[@]}" -S "$tmp/ssh/ctl" -M -N root@127.0.0.1 </dev/null >/dev/null 2>&1 &
		started+=("$!")
		until_true test -S "$tmp/ssh/ctl" && return 0
	fi
	absent[dropbear]="no ssh into the guest"
}

# Over the connection that start_ssh has made.
start_sftp() {
	once start_ssh dropbear
	if [ -n "${absent[dropbear]-}" ]; then
		absent[sftp]=${absent[dropbear]}
	elif ! program sftp >/dev/null; then
		absent[sftp]="sftp is not installed"
	elif ! sftp_batch 'ls /'; then
		absent[sftp]="sftp does not answer in the guest"
	fi
}

# sftp_batch COMMAND [PROGRAM…]: one command of sftp's, run under the program (stopwatch).
sftp_batch() {
	local batch=$tmp/sftp.batch
	printf '%s\n' "$1" >"$batch"
	shift
	"$@" sftp -q -F none -o ControlPath="$tmp/ssh/ctl" -b "$batch" bench >/dev/null 2>>"$tmp/bench.log"
}
