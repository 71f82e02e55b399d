/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every image holds besides kernel, busybox and agent: see recipe.h. */
#include "image/recipe.h"

#include "base/auto.h"
#include "base/buf.h"
#include "image/hash.h"

const struct smol_recipe_dir smol_recipe_dirs[] = {
    {"bin", 0755},
    {"dev", 0755},
    {"etc", 0755},
    {"etc/udhcpc", 0755},
    {"home", 0755},
    {"home/user", 0755},
    {"lib", 0755},
    {"mnt", 0755},
    {"proc", 0555},
    {"root", 0700},
    {"run", 0755},
    {"sbin", 0755},
    {"sys", 0555},
    {"tmp", 01777},
    {"usr", 0755},
    {"usr/bin", 0755},
    {"usr/sbin", 0755},
    {"var", 0755},
    {"var/log", 0755},
    {"var/tmp", 01777},
    {NULL, 0},
};

const struct smol_recipe_file smol_recipe_files[] = {
    {"etc/passwd", 0644,
	"root:x:0:0:root:/root:/bin/sh\n"
	"daemon:x:1:1:daemon:/:/bin/false\n"
	"nobody:x:65534:65534:nobody:/:/bin/false\n"
	"user:x:1000:1000:user:/home/user:/bin/sh\n"},
    {"etc/group", 0644,
	"root:x:0:\n"
	"daemon:x:1:\n"
	"tty:x:5:\n"
	"nogroup:x:65534:\n"
	"user:x:1000:\n"},
    {"etc/hosts", 0644, "127.0.0.1\tlocalhost\n::1\tlocalhost\n"},
    {"etc/shells", 0644, "/bin/sh\n/bin/ash\n"},
    {"etc/profile", 0644,
	"export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
	"export PS1='\\u@\\h:\\w\\$ '\n"},
    {"etc/os-release", 0644,
	"NAME=smolsh\n"
	"ID=smolsh\n"
	"VERSION_ID=" SMOL_VERSION "\n"
	"PRETTY_NAME=\"smolsh guest " SMOL_VERSION "\"\n"},
    /* For `udhcpc -i eth0` in a VM that has a network; where Debian's busybox looks for it. Its own
     * address has a label: others, which somebody has given by hand, stay. */
    {"etc/udhcpc/default.script", 0755,
	"#!/bin/sh\n"
	"[ -n \"$interface\" ] || exit 1\n"
	"echo 1 >/proc/sys/net/ipv4/conf/\"$interface\"/promote_secondaries\n"
	"case $1 in\n"
	"deconfig)\n"
	"\tip addr flush dev \"$interface\" label \"$interface:dhcp\"\n"
	"\tip link set \"$interface\" up\n"
	"\t;;\n"
	"bound | renew)\n"
	"\tip addr flush dev \"$interface\" label \"$interface:dhcp\"\n"
	"\tip addr add \"$ip/${mask:-24}\" dev \"$interface\" label \"$interface:dhcp\"\n"
	"\tfor r in $router; do\n"
	"\t\tip route replace default via \"$r\" dev \"$interface\" && break\n"
	"\tdone\n"
	"\tfor d in $dns; do\n"
	"\t\techo \"nameserver $d\"\n"
	"\tdone >/etc/resolv.conf\n"
	"\t;;\n"
	"esac\n"},
    {NULL, 0, NULL},
};

/*
 * The vsock is there whether a device is or not: one may be plugged in later, and the agent listens
 * all the same. All others are loaded for the devices and file systems that ask for them, so that a
 * boot takes no longer for what it does not use.
 */
const struct smol_recipe_module smol_recipe_modules[] = {
    {"vmw_vsock_virtio_transport", true, true},
    {"virtio_pci", true, false},
    {"virtio_mmio", false, false},
    {"virtio_blk", false, false},
    {"virtio_net", false, false},
    {"virtio_rng", false, false},
    {"virtio_balloon", false, false},
    {"vsock_loopback", false, false},
    {"vhost_vsock", false, false},
    {"ext4", false, false},
    {"squashfs", false, false},
    {"overlay", false, false},
    {"virtiofs", false, false},
    {NULL, false, false},
};

void smol_recipe_hash(char hex[65])
{
	smol_auto_buf struct smol_buf b = {0};

	for (const struct smol_recipe_dir *d = smol_recipe_dirs; d->path; d++)
		smol_buf_printf(&b, "dir %s %o\n", d->path, (unsigned)d->mode);
	for (const struct smol_recipe_file *f = smol_recipe_files; f->path; f++)
		smol_buf_printf(&b, "file %s %o\n%s", f->path, (unsigned)f->mode, f->text);
	for (const struct smol_recipe_module *m = smol_recipe_modules; m->name; m++)
		smol_buf_printf(&b, "module %s %d %d\n", m->name, m->required, m->boot);
	smol_buf_printf(&b, "layout %d\n", SMOL_RECIPE_LAYOUT);
	smol_sha256(smol_buf_head(&b), smol_buf_len(&b), hex);
}
