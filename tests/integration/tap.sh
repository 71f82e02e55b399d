#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# --net tap=NAME: a guest on a tap device. All of it in a network namespace of the test's own, which
# needs root, or a user namespace in which we are.
# shellcheck disable=SC2016,SC2317
if [ "${TAP_INSIDE-}" != yes ]; then
	command -v ip >/dev/null || { echo "skipped: no ip (iproute2)"; exit 77; }
	[ -c /dev/net/tun ] || { echo "skipped: no /dev/net/tun"; exit 77; }
	unshare --map-root-user --net true 2>/dev/null || { echo "skipped: no network namespace"; exit 77; }
	TAP_INSIDE=yes exec unshare --map-root-user --net bash "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
t_begin tap

check "a tap device" ip tuntap add smoltap0 mode tap
check "it has an address" ip addr add 10.77.0.1/24 dev smoltap0
check "it is up" ip link set smoltap0 up
check "lo is up" ip link set lo up

expect_exit 2 "no name" smolsh create web --net tap
expect_err "no name: how" 'which tap device.*try: --net tap='
expect_exit 2 "no such device" smolsh create web --net tap=smoltap9
expect_err "no such device: said, and how to make one" 'smoltap9 is no tap device of this host; try: ip tuntap add'
expect_exit 2 "not a tap device" smolsh create web --net tap=lo
expect_err "not a tap device: said" 'lo is no tap device'
expect_exit 2 "a name that is none" smolsh create web --net tap=../../x
expect_exit 2 "a name that is too long" smolsh create web --net tap=0123456789abcdef
expect_err "a name that is too long: the limit" 'at most 15 bytes'
same "nothing was made for those" "$(ip -o link | wc -l)" 2

check "create" smolsh create web --net tap=smoltap0
expect_exit 0 "info" smolsh info web
expect_out "info: the device" '^network +tap smoltap0'
expect_exit 125 "the device is taken" smolsh create other --net tap=smoltap0
expect_err "the device is taken: said" 'smoltap0 is in use by another program'
same "what could not start is gone" "$(smolsh list --quiet)" web
up() { [ "$(smolsh exec web 'cat /sys/class/net/eth0/operstate')" = up ]; }
check "the guest's interface is up" t_until up
printf '%s\n' 'start 10.77.0.50' 'end 10.77.0.59' 'max_leases 10' 'interface smoltap0' \
	"lease_file $t_dir/leases" "pidfile $t_dir/udhcpd.pid" 'option subnet 255.255.255.0' >"$t_dir/udhcpd.conf"
: >"$t_dir/leases"
busybox udhcpd -f "$t_dir/udhcpd.conf" >/dev/null 2>&1 &
given() { smolsh exec web 'ip -4 addr show eth0' | grep -q 'inet 10.77.0.5'; }
check "where somebody gives addresses by DHCP it has one" t_until given
check "the guest takes another address" smolsh exec web 'ip addr add 10.77.0.2/24 dev eth0'
# A lease that comes, or comes again, takes away none but its own.
renewed() { ! smolsh exec web grep -q old /etc/resolv.conf; }
check "DHCP once more" smolsh exec web 'echo old >/etc/resolv.conf; kill -USR1 $(pidof udhcpc)'
check "DHCP once more: the lease has come" t_until renewed
expect_exit 0 "DHCP once more: the addresses" smolsh exec web 'ip -4 addr show eth0'
same "DHCP once more: its own, and the one by hand" "$(grep -oE 'inet 10\.77\.0\.(5|2/)' <<<"$t_out" | sort | paste -sd,)" 'inet 10.77.0.2/,inet 10.77.0.5'
check "a server in the guest" smolsh exec -d web 'while :; do echo over-tap | nc -l -p 7000; done'
heard() { [ "$(socat -T 5 - TCP:10.77.0.2:7000,connect-timeout=5 </dev/null)" = over-tap ]; }
check "TCP from the host" t_within 60 heard
mac=$(smolsh exec web 'cat /sys/class/net/eth0/address')
match "the guest's address is one of a VM" '^52:54:00:' "$mac"
check "restart" smolsh restart web
same "and the same after a restart" "$(smolsh exec web 'cat /sys/class/net/eth0/address')" "$mac"
check "delete" smolsh delete --yes --force web
check "the device stays" ip link show smoltap0

sim=$SMOLSH_BUILD/tests/fcsim/fc-sim
if [ -x "$sim" ]; then
	check "behind Firecracker's interface" smolsh create fc --backend firecracker --firecracker "$sim" --net tap=smoltap0
	check "behind Firecracker's interface: an address" smolsh exec fc 'ip addr add 10.77.0.2/24 dev eth0; ip link set eth0 up'
	check "behind Firecracker's interface: a server" smolsh exec -d fc 'while :; do echo over-tap | nc -l -p 7000; done'
	check "behind Firecracker's interface: the host reaches it" t_within 60 heard
	match "behind Firecracker's interface: its address" '^52:54:00:' "$(smolsh exec fc 'cat /sys/class/net/eth0/address')"
fi

t_end
