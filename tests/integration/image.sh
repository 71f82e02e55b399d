#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Images: made from other kernels and with other files, refused where they cannot be, and never half
# made, whatever happens to who makes them.
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name

. "$(dirname "$0")/lib.sh"
t_begin image

# The kernel and the modules of "base", as one's own.
base=$SMOLSH_IMAGES/base
export SMOLSH_IMAGES=$t_dir/images
mkdir -p "$t_dir/tree" "$SMOLSH_IMAGES"
(cd "$t_dir/tree" && busybox cpio -idm 2>/dev/null <"$base/initramfs.cpio")
release=$(ls "$t_dir/tree/lib/modules")
kernel=$base/vmlinuz
modules=$t_dir/tree/lib/modules/$release
own=(--kernel "$kernel" --modules "$modules")
image() { "$SMOLSH_BUILD/smolsh" image "$@"; }
nothing_half_made() { same "$1: nothing half made is left" "$(cd "$SMOLSH_IMAGES" && find . -mindepth 1 -maxdepth 1 | sort | paste -sd' ')" "$2"; }

# A kernel of one's own, with a file of one's own, boots.
printf '#!/bin/sh\necho "I am $0"\n' >"$t_dir/hello"
chmod +x "$t_dir/hello"
expect_exit 0 "build from files" image build mine "${own[@]}" --add "$t_dir/hello:/usr/bin/hello"
expect_out "build: says what it is" "image 'mine': Linux $release"
nothing_half_made "build" ./mine
expect_exit 0 "a VM of it runs what was added" smolsh run --image mine -- sh -c 'uname -r; hello; id -un 1000 2>&1; stat -c "%a %u" / /tmp /root'
same "it is that kernel, and all is root's" "$t_out" "$release
I am /usr/bin/hello
id: unknown user 1000
755 0
1777 0
700 0"
expect_exit 0 "an ELF kernel" image build elf --kernel "$base/vmlinux" --modules "$modules"
same "an ELF kernel has no packed one" "$(ls "$SMOLSH_IMAGES/elf")" "initramfs.cpio
manifest.json
verified
vmlinux"
expect_exit 0 "modprobe finds what is not loaded" smolsh run --image elf -- sh -c 'modprobe overlay && grep -c overlay /proc/filesystems'
check "the same parts give the same bytes" cmp "$base/vmlinux" "$SMOLSH_IMAGES/elf/vmlinux"

# Made again only when asked to, or when it has changed.
expect_exit 125 "it is there already" image build elf "${own[@]}"
expect_err "it is there already: the mend" 'image build elf --force'
expect_exit 0 "--if-changed: other options" image build elf "${own[@]}" --if-changed
expect_out "--if-changed: made" "image 'elf': "
before=$(stat -c %i "$SMOLSH_IMAGES/elf/manifest.json")
expect_exit 0 "--if-changed: nothing changed" image build elf "${own[@]}" --if-changed
same "--if-changed: not made again" "$(stat -c %i "$SMOLSH_IMAGES/elf/manifest.json")" "$before"
cp "$SMOLSH_IMAGES/elf/initramfs.cpio" "$t_dir/first.cpio"
expect_exit 0 "--force" image build elf "${own[@]}" --force
check "made twice, the same bytes" cmp "$t_dir/first.cpio" "$SMOLSH_IMAGES/elf/initramfs.cpio"

# An image that was made for another smolsh is noticed, wherever it is found.
cp -r "$base" "$SMOLSH_IMAGES/base"
says_agent() { sed -i "s/\"agent_sha256\":\"[0-9a-f]*\"/\"agent_sha256\":\"$1\"/" "$SMOLSH_IMAGES/base/manifest.json"; }
says_agent "$(sha256sum <"$SMOLSH_BUILD/smolsh-agent" | cut -c1-64)"
expect_exit 0 "this smolsh's agent" smolsh doctor
expect_out "this smolsh's agent: doctor" 'image +base is whole'
says_agent "$(printf '0%.0s' {1..64})"
expect_exit 0 "another agent: works, perhaps" smolsh doctor
expect_out "another agent: doctor says in which" "! +image +base in $SMOLSH_IMAGES/base holds another agent"
expect_out "another agent: the mend" 'try: smolsh image build --force'
expect_exit 0 "another agent: info" image info base
expect_out "another agent: info" "^agent .*not this smolsh's"
sed -i 's/"agent_sha256":"[0-9a-f]*",//' "$SMOLSH_IMAGES/base/manifest.json"
expect_exit 0 "nobody knows which agent" image info base --json
expect_out "nobody knows which agent: an older one" '"agent_sha256":null.*"agent_current":false'
gives_agent() { sed -i "s/\"agent_version\"/\"agent_sha256\":\"$1\",&/" "$SMOLSH_IMAGES/base/manifest.json"; }
gives_agent "$(sha256sum <"$SMOLSH_BUILD/smolsh-agent" | cut -c1-64)"
expect_exit 0 "its modules and files are those of today" image info base --json
expect_out "its modules and files are those of today: said so" '"agent_current":true,"recipe_current":true'
sed -i 's/"recipe":"[0-9a-f]*"/"recipe":"'"$(printf '0%.0s' {1..64})"'"/' "$SMOLSH_IMAGES/base/manifest.json"
expect_exit 0 "other modules or files" smolsh doctor
expect_out "other modules or files: doctor says so" '! +image +base in .* does not hold the modules and files'
expect_out "other modules or files: the mend" '^ +try: smolsh image build --force'
expect_exit 0 "other modules or files: info" image info base
expect_out "other modules or files: info" "^contents +not those of this smolsh's images"
rm -r "$SMOLSH_IMAGES/base"

# An agent that does not know what it is asked.
sed 's/system_info/system_inf0/g' "$SMOLSH_BUILD/smolsh-agent" >"$t_dir/older"
chmod +x "$t_dir/older"
expect_exit 0 "an older agent" image build older "${own[@]}" --agent "$t_dir/older"
check "a VM with it" smolsh create old --image older
expect_exit 125 "an older agent: an op that it does not know" smolsh sysinfo old
expect_err "an older agent: said so, with the mend" "the guest's agent is older than this smolsh: unknown op; try: smolsh image build older --force, then smolsh restart old"
expect_exit 0 "an older agent: made anew" image build older "${own[@]}" --force
expect_exit 0 "an older agent: restarted" smolsh restart old
expect_exit 0 "it knows it now" smolsh sysinfo old
check "without it" smolsh delete --force old
check "without its image" image remove older --yes

# A damaged one is named, and replaced without --force.
printf X | dd of="$SMOLSH_IMAGES/elf/vmlinuz" bs=1 seek=5000 conv=notrunc status=none
expect_exit 125 "damaged" image info elf --verify
expect_err "damaged: image, part and mend" "'elf' is damaged: vmlinuz.*try: smolsh image build elf"
expect_exit 0 "damaged: built anew" image build elf "${own[@]}"
expect_exit 0 "damaged: whole again" image info elf --verify

# What cannot be an image.
refuse() {
	local code=$1 what=$2 why=$3
	shift 3
	expect_exit "$code" "$what" image build bad "$@"
	expect_err "$what: says why" "$why"
	same "$what: one line" "$(printf '%s\n' "$t_err" | grep -vc '^image: ')" 1
}
echo 'no kernel' >"$t_dir/text"
refuse 2 "a kernel that is no kernel" 'text is not a Linux kernel \(neither bzImage nor ELF\)' --kernel "$t_dir/text"
refuse 2 "a directory as the kernel" 'is not a Linux kernel' --kernel "$t_dir"
refuse 2 "an ELF file that is no kernel" 'no PVH entry' --kernel /bin/busybox
refuse 125 "no such kernel" 'No such file' --kernel "$t_dir/nowhere"
head -c 3000000 "$kernel" >"$t_dir/cut"
refuse 2 "a kernel cut short" 'cut is a damaged bzImage' --kernel "$t_dir/cut"
mkdir "$t_dir/empty"
refuse 2 "a directory without modules" 'holds no kernel modules' --kernel "$kernel" --modules "$t_dir/empty"
cp -r "$modules" "$t_dir/less"
find "$t_dir/less" -name 'vmw_vsock_virtio_transport.ko' -delete
refuse 125 "modules without vsock" 'cannot run as a guest.*vmw_vsock_virtio_transport is neither' --kernel "$kernel" --modules "$t_dir/less"
cp -r "$modules" "$t_dir/other"
find "$t_dir/other" -name '*.ko' -exec sed -i "s/vermagic=$release/vermagic=X${release#?}/" {} +
refuse 2 "another kernel's modules" "the modules are for Linux X.*the kernel is $release" --kernel "$kernel" --modules "$t_dir/other"
refuse 2 "busybox that is none" 'is not a program' "${own[@]}" --busybox "$t_dir/text"
refuse 2 "busybox that is not static" 'is not static' "${own[@]}" --busybox /bin/bash
refuse 125 "a file to add that is not there" 'nowhere: No such file' "${own[@]}" --add "$t_dir/nowhere:/x"
refuse 2 "a path that leaves the guest" 'no path in a guest' "${own[@]}" --add "$t_dir/text:/../x"
refuse 2 "a path without a root" 'absolute' "${own[@]}" --add "$t_dir/text:x"
refuse 2 "modules alone" 'with --kernel' --modules "$modules"
expect_exit 2 "a bad name" image build 'A/../b'
nothing_half_made "refused" './elf ./mine'
expect_exit 125 "refused, as JSON" image build bad --kernel "$t_dir/nowhere" --json
expect_out "refused, as JSON: the envelope" '^\{"ok":false,"error":\{"code":"not_found"'
same "refused, as JSON: nothing else" "$t_err" ""

# Debian's kernel, where it is not to be had.
mkdir -p "$t_dir/no-apt" "$SMOLSH_HOME/cache"
with_apt() { # WHAT APT-CACHE DOES, WHAT APT-GET DOES
	printf '#!/bin/sh\n%s\n' "$1" >"$t_dir/no-apt/apt-cache"
	printf '#!/bin/sh\n%s\n' "$2" >"$t_dir/no-apt/apt-get"
	chmod +x "$t_dir/no-apt/apt-cache" "$t_dir/no-apt/apt-get"
	expect_exit 125 "$3" env PATH="$t_dir/no-apt:$PATH" "$SMOLSH_BUILD/smolsh" image build bad
}
known='printf "Depends: linux-image-9-x\nSHA256: 00\nSize: 1000\n"'
with_apt 'exit 100' 'exit 1' "no package lists"
expect_err "no package lists: the mend" "have no linux-image-cloud-amd64; try: .*apt-get update"
with_apt "$known" 'echo "E: Failed to fetch it" >&2; exit 100' "a download that fails"
expect_err "a download that fails: why" 'cannot download linux-image-9-x: .*Failed to fetch it'
with_apt "$known" 'echo "E: Write error - write (28: No space left on device)" >&2; exit 100' "a disk full of packages"
expect_err "a disk full of packages: why" 'No space left on device'
with_apt "$known" 'echo nonsense >linux-image-9-x_1_amd64.deb' "a package that is none"
expect_err "a package that is none: named" 'linux-image-9-x_1_amd64.deb: '
same "nothing of all that stays in the cache" "$(ls -A "$SMOLSH_HOME/cache")" ""
nothing_half_made "no kernel" './elf ./mine'

# Interrupted, killed, and two at once. A tool that does not end stands for a slow download.
mkdir "$t_dir/slow"
mkfifo "$t_dir/started" "$t_dir/waits"
printf '#!/bin/sh\nexec >"%s"\necho started\nexec sleep 1000\n' "$t_dir/started" >"$t_dir/slow/apt-cache"
chmod +x "$t_dir/slow/apt-cache"
slow_build() {
	PATH=$t_dir/slow:$PATH "$SMOLSH_BUILD/smolsh-image" build "$1" --force 2>"$t_dir/slow.err" &
	builder=$!
	read -r _ <"$t_dir/started"
}
before=$(sha256sum <"$SMOLSH_IMAGES/elf/manifest.json")
for signal in INT TERM; do
	slow_build elf
	kill -$signal $builder
	wait $builder
	same "SIG$signal: exit code" $? 130
	nothing_half_made "SIG$signal" './elf ./mine'
done
same "the old image is as it was" "$(sha256sum <"$SMOLSH_IMAGES/elf/manifest.json")" "$before"
slow_build elf
"$SMOLSH_BUILD/smolsh-image" build elf "${own[@]}" --if-changed >"$t_dir/second" 2>"$t_dir/waits" &
second=$!
read -r line <"$t_dir/waits"
match "two at once: one waits for the other" 'waiting for another build' "$line"
kill -9 $builder
wait $builder 2>/dev/null
wait $second
same "two at once: when that is killed the other goes on" $? 0
match "two at once: the image is whole" 'up to date' "$(cat "$t_dir/second")"
nothing_half_made "kill -9" './elf ./mine'

# Where nothing can be written.
if unshare -m true 2>/dev/null; then
	expect_exit 125 "a full disk" unshare -m sh -c 'mount -t tmpfs -o size=20m none "$0" && mkdir "$0/old" && "$@"; code=$?; ls -A "$0" >&2; exit $code' \
		"$SMOLSH_IMAGES" "$SMOLSH_BUILD/smolsh" image build big "${own[@]}"
	expect_err "a full disk: said so" 'cannot write .*/images/big/vmlinux: No space left on device; try: free some space'
	same "a full disk: nothing half made is left" "$(tail -n 1 <<<"$t_err")" 'old'
	expect_exit 125 "a read-only disk" unshare -m sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"' \
		"$SMOLSH_IMAGES" "$SMOLSH_BUILD/smolsh" image build big "${own[@]}"
	expect_err "a read-only disk: said so, with the mend" 'Read-only file system; try: .*SMOLSH_IMAGES'
	expect_exit 0 "an image on a read-only disk can be used" unshare -m sh -c 'rm "$0/mine/verified"; mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"' \
		"$SMOLSH_IMAGES" "$SMOLSH_BUILD/smolsh" run --image mine -- true
else
	echo "# no mount namespaces here: full and read-only disks are not tried"
fi

# Removing.
expect_exit 2 "remove: nobody to ask" image remove mine
expect_exit 0 "remove: still there" image info mine
expect_exit 125 "remove: no such image, whatever is asked" image remove nosuch
expect_err "remove: no such image" "no image 'nosuch'"
check "a VM boots it" smolsh create user --image mine --no-start
expect_exit 125 "remove: a VM boots it" image remove mine --yes
expect_err "remove: which VM, in which state" "'mine' is what these VMs boot: user \(created\); try: .*--force"
expect_exit 0 "remove: still there" image info mine
expect_exit 0 "remove --yes --force" image remove mine --yes --force
check "remove: the VM is still known" smolsh info user
check "without it" smolsh delete user
expect_exit 125 "remove: gone" image info mine
expect_err "remove: gone, with the mend" "no image 'mine'; try: smolsh image build mine"
expect_exit 0 "list --json" image list --json
expect_out "list --json: what is there" '^\{"ok":true,"data":\[.*\{"name":"elf",.*"role":"initramfs"'
same "list --json: what is not" "$(grep -c '"name":"mine"' <<<"$t_out")" 0
expect_exit 2 "an unknown option: the nearest" image build --kernal x
expect_err "an unknown option: the nearest" '--kernel'
t_end
