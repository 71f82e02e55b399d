# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What smolsh needs of Debian, in one list, and how it is installed. Sourced by quickstart and
# run-tests.

# For what, package, why. "build" and "run" are for everybody, the rest is for tests.
deps_list() {
	cat <<'LIST'
build autoconf         makes ./configure
build automake         makes Makefile.in
build gcc              compiles
build libc6-dev        the C library's headers
build make             builds
build pkg-config       finds the libraries below
build libarchive-dev   packages and the initramfs are read and written with it
build libcjson-dev     the control protocol is JSON
build libcurl4-openssl-dev  Firecracker's API is spoken with it
build liblz4-dev       Debian's kernel is packed with LZ4
build libncurses-dev   the screen
build libreadline-dev  the screen's prompt
build libseccomp-dev   the vsock device is locked in with it
build libsqlite3-dev   the registry
build libuv1-dev       the monitor's event loop
build libvterm-dev     the screen's panes are terminals
build nettle-dev       SHA-256 of files and of an image's parts
run   busybox-static   the guest's programs
run   e2fsprogs        the disk for what a VM writes over its root image
run   qemu-system-x86  the hypervisor
run   squashfs-tools   root images are squashfs files
unit  libcmocka-dev    unit tests
unit  libyaml-dev      tests read the description of Firecracker's API
guest curl             integration tests ask a server in a guest with it
guest ncurses-term    tests of the screen's colours need its terminals
guest iproute2         the tests of tap devices make one
guest procps           integration tests look at processes
guest python3          integration tests read JSON with it
guest socat            integration tests play a broken agent with it
guest sqlite3          integration tests look into the registry
guest tmux             integration tests look at a terminal in it
clang clang            builds without warnings with this compiler too
clang libclang-rt-dev  libFuzzer and the sanitizers
lint  clang-format     the layout is what it says
lint  clang-tidy       looks for mistakes
lint  cppcheck         looks for mistakes
lint  shellcheck       looks for mistakes in scripts
LIST
}

deps_have_dpkg() { command -v dpkg-query >/dev/null 2>&1; }

deps_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]
}

# deps_wanted KIND...: the list's lines of these kinds.
deps_wanted() {
	local kind package why
	while read -r kind package why; do
		[[ " $* " == *" $kind "* ]] && printf '%s %s\n' "$package" "$why"
	done < <(deps_list)
	return 0
}

# deps_missing KIND...: those of them that are not installed.
deps_missing() {
	local package why
	while read -r package why; do
		deps_installed "$package" || printf '%s %s\n' "$package" "$why"
	done < <(deps_wanted "$@")
}

# As root, or through sudo; 1 where there is neither.
deps_as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		env "$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo env "$@"
	else
		return 1
	fi
}

deps_can_be_root() { [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1; }

deps_have_lists() { compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; }

deps_update() { deps_as_root DEBIAN_FRONTEND=noninteractive apt-get -q update; }

deps_apt_install() {
	deps_as_root DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 install "$@"
}

# deps_command MISSING: what to type as root for these lines of "package why". A fresh Debian in a
# container has no package lists, so it begins with them.
deps_command() {
	echo "apt-get update && apt-get install --no-install-recommends $(cut -d' ' -f1 <<<"$1" | paste -sd' ')"
}

# deps_install KIND...: install what is missing, after saying what and why. Prints nothing when
# nothing is missing. What apt-get prints goes to the file DEPS_LOG.
deps_install() {
	local missing packages=() how=
	deps_have_dpkg || {
		echo "This is no Debian (there is no dpkg): going on with what is here."
		return 0
	}
	missing=$(deps_missing "$@")
	[ -n "$missing" ] || return 0
	mapfile -t packages < <(cut -d' ' -f1 <<<"$missing")
	if ! deps_can_be_root; then
		echo "Missing, and to install it needs root or sudo:"
		deps_show "$missing"
		echo "As root: $(deps_command "$missing")"
		return 1
	fi >&2
	[ "$(id -u)" -eq 0 ] || how=" with sudo"
	echo "Installing from Debian$how:"
	deps_show "$missing"
	{ deps_have_lists || deps_update; } >>"$DEPS_LOG" 2>&1
	# Lists that are too old name packages that are gone.
	if deps_apt_install "${packages[@]}" >>"$DEPS_LOG" 2>&1 ||
		{ deps_update && deps_apt_install "${packages[@]}"; } >>"$DEPS_LOG" 2>&1; then
		return 0
	fi
	tail -n 20 "$DEPS_LOG" >&2
	echo "apt-get could not install them; all of its output is in $DEPS_LOG" >&2
	# sudo may have refused.
	[ -z "$how" ] || echo "As root: $(deps_command "$missing")" >&2
	return 1
}

# Lines of "package why".
deps_show() {
	local package why
	while read -r package why; do
		[ -z "$package" ] || printf '  %-16s %s\n' "$package" "$why"
	done <<<"$1"
}

# The image's kernel is found through apt's lists.
deps_need_kernel_lists() {
	command -v apt-cache >/dev/null 2>&1 || return 0
	LC_ALL=C apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1 && return 0
	if deps_can_be_root; then
		echo "Fetching Debian's package lists (the kernel is found through them)"
		deps_update >>"$DEPS_LOG" 2>&1
	fi
	return 0
}
