#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# --rootfs: a root of one's own, made of a directory, a tar and container images; what the image says
# of variables, directory, user and command; files that stay with their VM and nobody else's; and
# what is refused.
# shellcheck disable=SC2016,SC2317 # words for a shell of the guest; functions called by name

. "$(dirname "$0")/lib.sh"
t_begin rootfs
# What is packed into images is for their users.
umask 022

lib=$(cd "$(dirname "$0")/../lib" && pwd)
mkdir -p "$t_dir/images"
ln -s "$(realpath "$SMOLSH_IMAGES/base")" "$t_dir/images/base"
export SMOLSH_IMAGES=$t_dir/images
roots=$SMOLSH_IMAGES/roots
image() { "$SMOLSH_BUILD/smolsh" image "$@"; }
# All that lies there but the lock, by what it is.
lies_there() { (cd "$roots" && find . -type f ! -name .lock -o -type l | sed -E 's/[0-9a-f]{64}/DIGEST/; s/-[0-9a-f]{12}$/-ID/' | sort | paste -sd' '); }

# A small distribution: busybox, and what the image's configuration speaks of.
root=$t_dir/root
mkdir -p "$root"/{bin,etc,srv/app,tmp,var/old,proc,sys,dev,usr/local/bin}
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in sh cat ls id env pwd stat touch mount hostname rm echo df sync; do ln -s busybox "$root/bin/$applet"; done
printf 'NAME="Small"\nID=small\n' >"$root/etc/os-release"
printf 'root:x:0:0::/root:/bin/sh\napp:x:1234:1235::/srv/app:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\napp:x:1235:\n' >"$root/etc/group"
printf '#!/bin/sh\necho "entry: $*, $STAGE, in $(pwd), $(id -u):$(id -g)"\n' >"$root/bin/entry"
chmod 755 "$root/bin/entry"
chmod 1777 "$root/tmp"
echo old >"$root/var/old/file"
echo shared >"$root/etc/shared"
ln "$root/etc/shared" "$root/etc/other-name"
# The second layer: one file anew, one away, a directory away, and one that belongs to somebody.
second=$t_dir/second
mkdir -p "$second"/{etc,var,srv/app}
echo 'second layer' >"$second/etc/layer"
: >"$second/var/.wh.old"
echo mine >"$second/srv/app/mine"
pack() { tar -C "$1" --owner=0 --group=0 -cf "$2" .; }
pack "$root" "$t_dir/1.tar"
tar -C "$second" --owner=0 --group=0 -cf "$t_dir/2.tar" etc var
tar -C "$second" --owner=1234 --group=1235 -rf "$t_dir/2.tar" srv/app
python3 "$lib/root_image.py" docker "$t_dir/docker.tar" "$t_dir/1.tar" "$t_dir/2.tar"
python3 "$lib/root_image.py" oci "$t_dir/oci.tar" "$t_dir/1.tar" "$t_dir/2.tar"
gzip -k "$t_dir/1.tar"

# Made of each of them, and refused where it cannot be.
expect_exit 0 "import a directory" image import "$root" small
expect_out "import: says what it is" "root image 'small': "
expect_exit 0 "import again" image import "$root" small
expect_out "import again: nothing to do" "'small' is up to date"
image import "$t_dir/oci.tar" >"$t_dir/one" 2>/dev/null &
image import "$t_dir/oci.tar" >"$t_dir/two" 2>/dev/null
wait "$!"
same "two at once: one makes it" "$(cat "$t_dir/one" "$t_dir/two" | grep -c "root image 'oci': ")" 1
expect_exit 0 "import an archive that is compressed" image import "$t_dir/1.tar.gz"
expect_exit 0 "roots" image roots
same "roots: all of them" "$(grep "$t_dir" <<<"$t_out" | awk '{print $1}' | paste -sd' ')" "1 oci small"
before=$(lies_there)
head -c 100000 "$t_dir/oci.tar" >"$t_dir/cut.tar"
expect_exit 2 "cut off" image import "$t_dir/cut.tar"
expect_err "cut off: said" 'cut.tar.* is truncated'
python3 "$lib/root_image.py" hostile "$t_dir/hostile.tar"
expect_exit 2 "a name that leads out" smolsh create x --rootfs "$t_dir/hostile.tar"
expect_err "a name that leads out: said" "--rootfs.*'\.\./out' leads out of the root"
layer=$(sha256sum <(gzip -nc "$t_dir/2.tar") | cut -c1-8)
sed 's/second layer/SECOND LAYER/' "$t_dir/docker.tar" >"$t_dir/changed.tar"
expect_exit 2 "a layer that was changed ($layer)" image import "$t_dir/changed.tar"
expect_err "a layer that was changed: said" 'is damaged: its SHA-256 is'
expect_exit 125 "what is not there" smolsh run --rootfs nobody -- true
expect_err "what is not there: said" "'nobody' is neither a root image nor a file or directory; try: smolsh image roots"
expect_exit 2 "no archive" smolsh run --rootfs "$0" -- true
expect_err "no archive: said" 'is no tar archive'
expect_exit 2 "a size without a root" smolsh create x --rootfs-size 1G
expect_exit 2 "a size that cannot be" smolsh create x --rootfs small --rootfs-size 1
expect_err "a size that cannot be: said" 'must be 16M'
expect_exit 2 "run without a command needs one in the image" smolsh run --rootfs small
expect_err "run without a command: said" "'small' says no command"
mkdir "$t_dir/no-tools"
expect_exit 125 "no sqfstar" env PATH="$t_dir/no-tools" "$SMOLSH_BUILD/smolsh" image import --force "$root" small
expect_err "no sqfstar: the mend" 'sqfstar, which is not installed; try: .*apt-get install squashfs-tools'
same "nothing is left of what failed" "$(lies_there)" "$before"
same "no VM is left of what failed" "$(smolsh list | grep -c ' x ')" 0

# A VM of two layers. One guest for all that can be asked of it.
expect_exit 0 "create" smolsh create web --rootfs "$t_dir/docker.tar" --rootfs-size 64M
expect_exit 0 "what a command sees" smolsh exec web -- sh -c '
	cat /etc/os-release /etc/layer /etc/shared; ls /var; id -u; id -g; pwd; echo "$STAGE $PATH"
	stat -c "%a %u %h" /tmp /srv/app/mine /etc/other-name; : >in-my-directory && echo wrote; touch /etc/x 2>/dev/null || echo "not in /etc"'
same "what a command sees: files, user, directory, variables" "$t_out" 'NAME="Small"
ID=small
second layer
shared
1234
1235
/srv/app
of the image /usr/local/bin:/bin
1777 0 2
644 1234 1
644 0 2
wrote
not in /etc'
expect_exit 0 "the request goes first" smolsh exec --user root --cwd /etc --env STAGE=mine web -- sh -c 'id -u; pwd; echo $STAGE; echo changed >shared; rm os-release; touch new'
same "the request goes first: it does" "$t_out" "0
/etc
mine"
expect_exit 0 "info" smolsh info web
expect_out "info: the root" '^root +docker \([0-9a-f]{12}, .*\) from .*/docker.tar; its own disk of 64M'
expect_exit 125 "a root image in use is not removed" image remove --root docker --yes
expect_err "a root image in use: by whom" "root image 'docker' is what these VMs boot: web \(running\)"

# Another VM of the same base, while the first one runs: neither sees what the other writes.
expect_exit 0 "another VM" smolsh create db --rootfs docker --rootfs-size 64M
expect_exit 0 "another VM: what is in it" smolsh exec --user root db -- sh -c 'cat /etc/shared; ls /etc; echo db >/etc/db; sync'
same "another VM: nothing of the first one's" "$t_out" "shared
group
hosts
layer
os-release
other-name
passwd
shared"
same "one base for both, and a link from it to each" "$(lies_there | tr " " "\n" | grep -v squashfs | paste -sd" ")" "./.used-DIGEST-ID ./.used-DIGEST-ID ./1.json ./docker.json ./oci.json ./small.json"

# The source changes: the VM keeps what it has.
pack "$second" "$t_dir/docker.tar"
upper_of() { find "$SMOLSH_HOME/state/vms/$(smolsh --json info "$1" | sed -E 's/.*"id":"([^"]+)".*/\1/')" -name upper.ext4; }
needs_recovery() { PATH=$PATH:/usr/sbin dumpe2fs -h "$(upper_of "$1")" 2>/dev/null | grep -c needs_recovery; }
expect_exit 0 "what is running when it stops" smolsh exec --user root web -- sh -c 'tail -f /etc/shared >/dev/null 2>&1 </dev/null & :'
same "the disk of a running VM is in use" "$(needs_recovery web)" 1
expect_exit 0 "stop" smolsh stop web
same "stop: the disk is unmounted" "$(needs_recovery web)" 0
upper=$(upper_of web)
mv "$upper" "$upper.away"
expect_exit 125 "start without its disk" smolsh start web
expect_err "start without its disk: the mend" 'upper\.ext4: No such file.*; try: put the file back, or smolsh delete web'
mv "$upper.away" "$upper"
expect_exit 0 "stop --force" smolsh stop --force db
same "stop --force: the disk is not" "$(needs_recovery db)" 1
expect_exit 0 "start: from its journal" smolsh start db
expect_exit 0 "start: what it wrote" smolsh exec --user root db -- cat /etc/db
same "start: what it wrote, and had on its disk" "$t_out" db
expect_exit 0 "start" smolsh start web
expect_exit 0 "what it wrote" smolsh exec --user root web -- sh -c 'cat /etc/shared /etc/layer; ls /etc /srv/app'
same "what it wrote has stayed, over the root it was made with" "$t_out" "changed
second layer
/etc:
group
hosts
layer
new
other-name
passwd
shared

/srv/app:
in-my-directory
mine"

# run: nothing stays, and the image's own command.
expect_exit 0 "run: its own command" smolsh run --rootfs oci
same "run: entrypoint, command, variables, directory, user" "$t_out" "entry: one word cmd, of the image, in /srv/app, 1234:1235"
expect_exit 0 "run: a command" smolsh run --rootfs "$root" -- sh -c 'touch /etc/gone && cat /etc/os-release && ls /var'
same "run: a command, in a directory's files" "$t_out" 'NAME="Small"
ID=small
old'
check "run: the directory is as it was" test ! -e "$root/etc/gone"

# The same behind the other hypervisor's interface, where its simulator was built.
sim=$SMOLSH_BUILD/tests/fcsim/fc-sim
if [ -x "$sim" ]; then
	expect_exit 0 "Firecracker's disks" smolsh run --backend firecracker --firecracker "$sim" --rootfs oci
	same "Firecracker's disks: the same root" "$t_out" "entry: one word cmd, of the image, in /srv/app, 1234:1235"
fi

# Away with all of it.
expect_exit 0 "delete" smolsh delete web db --force --yes
same "delete: the disks go" "$(find "$SMOLSH_HOME/state" -name 'upper.ext4')" ""
expect_exit 125 "a root image is not removed by its name alone" image remove small --yes
expect_err "and it says by what" "'small' is a root image; try: smolsh image remove --root small"
for name in 1 docker oci small; do expect_exit 0 "remove $name" image remove --root "$name" --yes; done
same "nothing is left of them" "$(lies_there)" ""
t_end
