/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What images are built from: ELF files, bzImages, kernel modules, the initramfs. The files are
 * made here, byte by byte, so that each can be wrong in one place. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <lz4.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "image/elf.h"
#include "image/kernel.h"
#include "image/kmod.h"
#include "image/tree.h"
#include "proto/frame.h"

#define assert_message(err, want)                                                                  \
	do {                                                                                       \
		if (!(err).msg || !strstr((err).msg, want))                                        \
			fail_msg("'%s' is not in '%s'", want, (err).msg ? (err).msg : "(none)");   \
	} while (0)

/* A kernel: code of 5000 bytes and then 3000 zeros, data of 100 bytes far away in the file, a PVH
 * note within the code, and a section header table that nobody loads. */
struct kernel_file {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	char gap1[4096 - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
	char code[8000];
	char gap2[8192];
	char data[100];
	char rest[5000];
};

static void make_kernel(struct kernel_file *k)
{
	Elf64_Nhdr nh = {.n_namesz = 4, .n_descsz = 4, .n_type = 18};

	memset(k, 0, sizeof(*k));
	memcpy(k->eh.e_ident, ELFMAG, SELFMAG);
	k->eh.e_ident[EI_CLASS] = ELFCLASS64;
	k->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	k->eh.e_type = ET_EXEC;
	k->eh.e_machine = EM_X86_64;
	k->eh.e_entry = 0x1000000;
	k->eh.e_phoff = offsetof(struct kernel_file, ph);
	k->eh.e_phentsize = sizeof(Elf64_Phdr);
	k->eh.e_phnum = 3;
	k->eh.e_shoff = offsetof(struct kernel_file, rest);
	k->eh.e_shnum = 5;
	k->ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
	    .p_offset = offsetof(struct kernel_file, code),
	    .p_vaddr = 0xffffffff81000000,
	    .p_paddr = 0x1000000,
	    .p_filesz = sizeof(k->code),
	    .p_memsz = 9000,
	    .p_align = 0x200000};
	k->ph[1] = (Elf64_Phdr){.p_type = PT_LOAD,
	    .p_offset = offsetof(struct kernel_file, data),
	    .p_vaddr = 0xffffffff82000010,
	    .p_paddr = 0x2000010,
	    .p_filesz = sizeof(k->data),
	    .p_memsz = sizeof(k->data),
	    .p_align = 0x200000};
	k->ph[2] = (Elf64_Phdr){.p_type = PT_NOTE,
	    .p_offset = offsetof(struct kernel_file, code) + 64,
	    .p_vaddr = 0xffffffff81000040,
	    .p_filesz = 20,
	    .p_memsz = 20,
	    .p_align = 4};
	memset(k->code, 'c', 5000);
	memset(k->data, 'd', sizeof(k->data));
	memset(k->rest, 'r', sizeof(k->rest));
	memcpy(k->code + 64, &nh, sizeof(nh));
	memcpy(k->code + 64 + sizeof(nh), "Xen\0\x50\x08\x00\x01", 8);
	strcpy(k->code + 2000, "Linux version 6.9.1-test (somebody@somewhere)");
}

static void test_elf_shrink(void **state)
{
	struct kernel_file *k = smol_alloc(sizeof(*k));
	smol_auto_buf struct smol_buf out = {0};
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	const char *p;

	(void)state;
	make_kernel(k);
	assert_true(smol_elf_has_pvh(k, sizeof(*k)));
	assert_int_equal(smol_elf_shrink(k, sizeof(*k), &out, NULL), 0);
	p = smol_buf_head(&out);
	assert_true(smol_buf_len(&out) < sizeof(*k) - 8192);
	memcpy(&eh, p, sizeof(eh));
	assert_int_equal(eh.e_shnum, 0);
	assert_int_equal(eh.e_entry, 0x1000000);
	memcpy(ph, p + eh.e_phoff, sizeof(ph));
	assert_int_equal(ph[0].p_filesz, 5000);
	assert_int_equal(ph[0].p_memsz, 9000);
	assert_memory_equal(p + ph[0].p_offset, k->code, 5000);
	assert_int_equal(ph[1].p_filesz, sizeof(k->data));
	assert_memory_equal(p + ph[1].p_offset, k->data, sizeof(k->data));
	assert_int_equal(ph[1].p_offset % 4096, 0x10);
	assert_int_equal(ph[2].p_offset, ph[0].p_offset + 64);
	assert_true(smol_elf_has_pvh(p, smol_buf_len(&out)));
	free(k);
}

static void test_elf_refused(void **state)
{
	struct kernel_file *k = smol_alloc(sizeof(*k));
	smol_auto_buf struct smol_buf out = {0};

	(void)state;
	make_kernel(k);
	assert_false(smol_elf_ok(k, 63));
	assert_false(smol_elf_ok(k, offsetof(struct kernel_file, gap1) - 1));
	k->ph[0].p_offset = UINT64_MAX - 10;
	assert_int_equal(smol_elf_shrink(k, sizeof(*k), &out, NULL), -1);
	k->ph[0].p_offset = 0;
	k->ph[0].p_filesz = sizeof(*k) + 1;
	assert_int_equal(smol_elf_shrink(k, sizeof(*k), &out, NULL), -1);
	make_kernel(k);
	k->ph[2].p_filesz = UINT64_MAX;
	assert_false(smol_elf_has_pvh(k, sizeof(*k)));
	make_kernel(k);
	k->code[64] = (char)0xff; /* the note's name is longer than the note */
	assert_false(smol_elf_has_pvh(k, sizeof(*k)));
	make_kernel(k);
	k->eh.e_machine = EM_AARCH64;
	assert_false(smol_elf_ok(k, sizeof(*k)));
	free(k);
}

/* A bzImage: setup code of two sectors, its version in them, then the payload. */
#define SETUP 1024

static void make_bzimage(struct smol_buf *b, const void *payload, size_t n)
{
	unsigned char *p = (unsigned char *)smol_buf_reserve(b, SETUP + 16 + n);

	memset(p, 0, SETUP + 16);
	p[0x1f1] = 1;
	p[0x1fe] = 0x55;
	p[0x1ff] = 0xaa;
	memcpy(p + 0x202, "HdrS", 4);
	p[0x206] = 0x0f;
	p[0x207] = 0x02;
	p[0x20e] = 0x80; /* the version is at 0x280 */
	strcpy((char *)p + 0x280, "6.9.0-packed (somebody)");
	smol_put_le32(p + 0x248, 16);
	smol_put_le32(p + 0x24c, (uint32_t)n);
	memcpy(p + SETUP + 16, payload, n);
	smol_buf_commit(b, SETUP + 16 + n);
}

/* The kernel build's LZ4: legacy frame, then the unpacked size. */
static void pack_lz4(struct smol_buf *out, const void *data, size_t n)
{
	int room = LZ4_compressBound((int)n), len;
	unsigned char *p = (unsigned char *)smol_buf_reserve(out, (size_t)room + 12);

	smol_put_le32(p, 0x184c2102);
	len = LZ4_compress_default(data, (char *)p + 8, (int)n, room);
	smol_put_le32(p + 4, (uint32_t)len);
	smol_put_le32(p + 8 + len, (uint32_t)n);
	smol_buf_commit(out, (size_t)len + 12);
}

static void pack_gzip(struct smol_buf *out, const void *data, size_t n)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	size_t used = 0;

	archive_write_set_format_raw(a);
	archive_write_add_filter_gzip(a);
	archive_write_set_bytes_per_block(a, 0);
	archive_write_open_memory(a, smol_buf_reserve(out, 1 << 20), 1 << 20, &used);
	archive_entry_set_filetype(e, AE_IFREG);
	assert_int_equal(archive_write_header(a, e), 0);
	assert_int_equal(archive_write_data(a, data, n), n);
	archive_entry_free(e);
	assert_int_equal(archive_write_close(a), 0);
	archive_write_free(a);
	smol_buf_commit(out, used);
}

static void load_packed(void (*pack)(struct smol_buf *, const void *, size_t))
{
	struct kernel_file *k = smol_alloc(sizeof(*k));
	smol_auto_buf struct smol_buf payload = {0};
	smol_auto_buf struct smol_buf file = {0};
	smol_auto_kernel struct smol_kernel kernel = {0};
	size_t n;

	make_kernel(k);
	pack(&payload, k, sizeof(*k));
	make_bzimage(&file, smol_buf_head(&payload), smol_buf_len(&payload));
	n = smol_buf_len(&file);
	assert_int_equal(smol_kernel_load(&kernel, "x", &file, NULL), 0);
	assert_string_equal(kernel.version, "6.9.0-packed");
	assert_int_equal(smol_buf_len(&kernel.packed), n);
	assert_true(smol_elf_has_pvh(smol_buf_head(&kernel.elf), smol_buf_len(&kernel.elf)));
	free(k);
}

static void test_bzimage_lz4(void **state)
{
	(void)state;
	load_packed(pack_lz4);
}

static void test_bzimage_gzip(void **state)
{
	(void)state;
	load_packed(pack_gzip);
}

static void test_bzimage_damaged(void **state)
{
	struct kernel_file *k = smol_alloc(sizeof(*k));
	smol_auto_buf struct smol_buf payload = {0};
	smol_auto_buf struct smol_buf file = {0};
	smol_auto_buf struct smol_buf out = {0};
	struct smol_bzimage bz;
	unsigned char *p;
	size_t n;

	(void)state;
	make_kernel(k);
	pack_lz4(&payload, k, sizeof(*k));
	make_bzimage(&file, smol_buf_head(&payload), smol_buf_len(&payload));
	p = (unsigned char *)smol_buf_head(&file);
	n = smol_buf_len(&file);
	/* Cut off anywhere, it is refused, or (within what follows the payload) whole. */
	for (size_t cut = 0; cut < n; cut += 7)
		assert_int_equal(smol_bzimage_parse(p, cut, &bz, NULL), -1);
	assert_int_equal(smol_bzimage_parse(p, n, &bz, NULL), 0);
	p[SETUP + 16 + 4] ^= 0x40; /* the first block's length */
	assert_int_equal(smol_bzimage_unpack(p, n, &bz, &out, NULL), -1);
	p[SETUP + 16 + 4] ^= 0x40;
	p[n - 1] ^= 1; /* the unpacked size */
	assert_int_equal(smol_bzimage_unpack(p, n, &bz, &out, NULL), -1);
	p[n - 1] ^= 1;
	smol_put_le32(p + 0x248, 0xffffffff);
	assert_int_equal(smol_bzimage_parse(p, n, &bz, NULL), -1);
	smol_put_le32(p + 0x248, 16);
	smol_put_le32(p + 0x24c, 0xfffffff0);
	assert_int_equal(smol_bzimage_parse(p, n, &bz, NULL), -1);
	p[0x20e] = 0xff; /* the version lies outside of the setup code: not told */
	p[0x20f] = 0xff;
	smol_put_le32(p + 0x24c, 1);
	assert_int_equal(smol_bzimage_parse(p, n, &bz, NULL), 0);
	assert_string_equal(bz.version, "");
	free(k);
}

static void test_kernel_is_no_kernel(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_buf struct smol_buf b = {0};
	struct kernel_file *k = smol_alloc(sizeof(*k));
	struct smol_kernel kernel;

	(void)state;
	smol_buf_puts(&b, "#!/bin/sh\n");
	assert_int_equal(smol_kernel_load(&kernel, "run.sh", &b, &err), -1);
	assert_string_equal(err.msg, "run.sh is not a Linux kernel (neither bzImage nor ELF)");
	smol_buf_clear(&b);
	assert_int_equal(smol_kernel_load(&kernel, "empty", &b, &err), -1);
	make_kernel(k);
	k->ph[2].p_type = PT_NULL;
	smol_buf_append(&b, k, sizeof(*k));
	assert_int_equal(smol_kernel_load(&kernel, "x", &b, &err), -1);
	assert_message(err, "no PVH entry");
	free(k);
}

static void test_kernel_elf(void **state)
{
	smol_auto_kernel struct smol_kernel kernel = {0};
	struct kernel_file *k = smol_alloc(sizeof(*k));
	smol_auto_buf struct smol_buf b = {0};

	(void)state;
	make_kernel(k);
	smol_buf_append(&b, k, sizeof(*k));
	assert_int_equal(smol_kernel_load(&kernel, "x", &b, NULL), 0);
	assert_string_equal(kernel.version, "6.9.1-test");
	assert_int_equal(smol_buf_len(&kernel.packed), 0);
	assert_true(smol_buf_len(&kernel.elf) > 0);
	free(k);
}

/* A module: an ELF file with a .modinfo section. depends: "a,b". */
static void make_module(struct smol_buf *b, const char *depends)
{
	static const char names[] = "\0.shstrtab\0.modinfo";
	smol_auto_buf struct smol_buf info = {0};
	Elf64_Ehdr eh = {.e_machine = EM_X86_64,
	    .e_shentsize = sizeof(Elf64_Shdr),
	    .e_shnum = 3,
	    .e_shstrndx = 1};
	Elf64_Shdr sh[3] = {{0}};

	smol_buf_append(&info, "license=GPL", 12);
	smol_buf_printf(&info, "depends=%s", depends);
	smol_buf_append(&info, "\0vermagic=6.9.0 SMP", 20);
	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_shoff = sizeof(eh);
	sh[1] = (Elf64_Shdr){.sh_name = 1,
	    .sh_type = SHT_STRTAB,
	    .sh_offset = sizeof(eh) + sizeof(sh),
	    .sh_size = sizeof(names)};
	sh[2] = (Elf64_Shdr){.sh_name = 11,
	    .sh_type = SHT_PROGBITS,
	    .sh_offset = sizeof(eh) + sizeof(sh) + sizeof(names),
	    .sh_size = smol_buf_len(&info)};
	smol_buf_append(b, &eh, sizeof(eh));
	smol_buf_append(b, sh, sizeof(sh));
	smol_buf_append(b, names, sizeof(names));
	smol_buf_append(b, smol_buf_head(&info), smol_buf_len(&info));
}

static void add_module(struct smol_kmods *k, const char *path, const char *depends)
{
	smol_auto_buf struct smol_buf b = {0};

	make_module(&b, depends);
	assert_int_equal(smol_kmods_add(k, path, NULL, &b, NULL), 0);
}

/* The names in order of loading what a module needs, joined by blanks. */
static char *order_of(struct smol_kmods *k, const char *name, struct smol_err *err)
{
	smol_auto_free struct smol_kmod **order = NULL;
	smol_auto_buf struct smol_buf text = {0};
	size_t n = 0;

	if (smol_kmods_order(k, name, &order, &n, err) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		smol_buf_printf(&text, "%s%s", i ? " " : "", order[i]->name);
	return smol_buf_take(&text);
}

static void assert_order(struct smol_kmods *k, const char *name, const char *want)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_free char *got = order_of(k, name, &err);

	if (!got)
		fail_msg("%s", err.msg);
	assert_string_equal(got, want);
}

static void test_order_from_modinfo(void **state)
{
	smol_auto_kmods struct smol_kmods k = {0};

	(void)state;
	add_module(&k, "kernel/d/virtio-pci.ko", "virtio,virtio_ring,legacy");
	add_module(&k, "kernel/d/legacy.ko", "");
	add_module(&k, "kernel/d/virtio_ring.ko", "");
	add_module(&k, "kernel/d/virtio.ko", "virtio-ring,crc16");
	smol_kmods_sort(&k);
	smol_kmods_parse_builtin(&k, "kernel/lib/crc16.ko\n", 20);
	assert_order(&k, "virtio_pci", "virtio_ring virtio legacy virtio_pci");
	assert_order(&k, "virtio-pci", "virtio_ring virtio legacy virtio_pci");
	assert_order(&k, "crc16", "");
}

static void test_order_from_modules_dep(void **state)
{
	static const char dep[] = "kernel/d/a.ko.xz: kernel/d/b.ko.xz kernel/d/c.ko.xz\n"
				  "kernel/d/b.ko.xz: kernel/d/c.ko.xz\n"
				  "a line that makes no sense\n"
				  "kernel/d/unknown.ko: kernel/d/a.ko\n"
				  ":\n"
				  "kernel/d/c.ko.xz:";
	smol_auto_kmods struct smol_kmods k = {0};

	(void)state;
	/* What their .modinfo says does not count where there is a modules.dep. */
	add_module(&k, "kernel/d/a.ko.xz", "nonsense");
	add_module(&k, "kernel/d/b.ko.xz", "nonsense");
	add_module(&k, "kernel/d/c.ko.xz", "nonsense");
	smol_kmods_sort(&k);
	smol_kmods_parse_dep(&k, dep, sizeof(dep) - 1);
	assert_string_equal(smol_kmods_find(&k, "a")->path, "kernel/d/a.ko");
	assert_order(&k, "a", "c b a");
}

/* Several are put into one list; what is there already is not there twice. */
static void test_order_appends(void **state)
{
	smol_auto_kmods struct smol_kmods k = {0};
	smol_auto_free struct smol_kmod **order = NULL;
	size_t n = 0;

	(void)state;
	add_module(&k, "a.ko", "c");
	add_module(&k, "b.ko", "c");
	add_module(&k, "c.ko", "");
	add_module(&k, "broken.ko", "c,b,gone");
	smol_kmods_sort(&k);
	assert_int_equal(smol_kmods_order(&k, "a", &order, &n, NULL), 0);
	assert_int_equal(smol_kmods_order(&k, "broken", &order, &n, NULL), -1);
	assert_int_equal(n, 2); /* nothing of what failed stays */
	assert_int_equal(smol_kmods_order(&k, "b", &order, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_string_equal(order[2]->name, "b");
	assert_null(order[3]);
}

static void test_order_fails(void **state)
{
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;
	smol_auto_kmods struct smol_kmods k = {0};

	(void)state;
	add_module(&k, "a.ko", "b");
	add_module(&k, "b.ko", "c");
	add_module(&k, "c.ko", "a");
	add_module(&k, "lost.ko", "gone");
	smol_kmods_sort(&k);
	assert_null(order_of(&k, "a", &err));
	assert_message(err, "need each other");
	assert_null(order_of(&k, "lost", &err));
	assert_message(err, "lost needs gone");
	assert_null(order_of(&k, "nowhere", &err));
	assert_message(err, "nowhere is neither a module nor built into");
}

static void test_module_files(void **state)
{
	smol_auto_free char *magic = NULL, *none = NULL;
	smol_auto_kmods struct smol_kmods k = {0};
	struct smol_kmod *m;
	size_t n;

	(void)state;
	assert_true(smol_kmod_is_file("kernel/x.ko"));
	assert_true(smol_kmod_is_file("kernel/x.ko.zst"));
	assert_false(smol_kmod_is_file("modules.order"));
	assert_false(smol_kmod_is_file("x.kok"));
	add_module(&k, "x.ko", "");
	m = k.list[0];
	n = smol_buf_len(&m->data);
	magic = smol_modinfo(smol_buf_head(&m->data), n, "vermagic", 0);
	assert_string_equal(magic, "6.9.0 SMP");
	none = smol_modinfo(smol_buf_head(&m->data), n, "verm", 0);
	assert_null(none);
	none = smol_modinfo(smol_buf_head(&m->data), n, "vermagic", 1);
	assert_null(none);
	smol_kmod_strip_signature(m);
	assert_int_equal(smol_buf_len(&m->data), n);
	/* A signature of 300 bytes, struct module_signature, the marker. */
	memset(smol_buf_reserve(&m->data, 300), 's', 300);
	smol_buf_commit(&m->data, 300);
	smol_buf_append(&m->data, "\0\0\2\0\0\0\0\0\0\0\1\x2c~Module signature appended~\n", 40);
	smol_kmod_strip_signature(m);
	assert_int_equal(smol_buf_len(&m->data), n);
	/* One that claims to be longer than the file stays. */
	smol_buf_append(&m->data, "\0\0\2\0\0\0\0\0\1\0\1\x2c~Module signature appended~\n", 40);
	smol_kmod_strip_signature(m);
	assert_int_equal(smol_buf_len(&m->data), n + 40);
}

static void fill(struct smol_tree *t)
{
	assert_int_equal(smol_tree_dir(t, "tmp", 01777, NULL), 0);
	assert_int_equal(smol_tree_file(t, "/etc/passwd", 0644, "root\n", 5, NULL), 0);
	assert_int_equal(smol_tree_file(t, "etc//passwd", 0600, "toor", 4, NULL), 0);
	assert_int_equal(smol_tree_link(t, "bin/sh", "/bin/busybox", NULL), 0);
	assert_int_equal(smol_tree_node(t, "dev/null", 0666, 1, 3, NULL), 0);
}

static void test_tree(void **state)
{
	static const char *const want[] = {
	    ".", "tmp", "etc", "etc/passwd", "bin", "bin/sh", "dev", "dev/null"};
	smol_auto_tree struct smol_tree *t = smol_tree_new();
	smol_auto_tree struct smol_tree *again = smol_tree_new();
	smol_auto_buf struct smol_buf a = {0};
	smol_auto_buf struct smol_buf b = {0};
	struct archive *r = archive_read_new();
	struct archive_entry *e;

	(void)state;
	fill(t);
	fill(again);
	assert_int_equal(smol_tree_write(t, 1000, &a, NULL), 0);
	assert_int_equal(smol_tree_write(again, 1000, &b, NULL), 0);
	assert_int_equal(smol_buf_len(&a) % 512, 0);
	assert_int_equal(smol_buf_len(&a), smol_buf_len(&b));
	assert_memory_equal(smol_buf_head(&a), smol_buf_head(&b), smol_buf_len(&a));
	archive_read_support_format_cpio(r);
	archive_read_open_memory(r, smol_buf_head(&a), smol_buf_len(&a));
	for (size_t i = 0; i < SMOL_ARRAY_SIZE(want); i++) {
		assert_int_equal(archive_read_next_header(r, &e), ARCHIVE_OK);
		assert_string_equal(archive_entry_pathname(e), want[i]);
		assert_int_equal(archive_entry_mtime(e), 1000);
		assert_int_equal(archive_entry_uid(e) + archive_entry_gid(e), 0);
		if (i == 1)
			assert_int_equal(archive_entry_mode(e), S_IFDIR | 01777);
		if (i == 3)
			assert_int_equal(archive_entry_size(e), 4);
		if (i == 5)
			assert_string_equal(archive_entry_symlink(e), "/bin/busybox");
		if (i == 7)
			assert_int_equal(archive_entry_rdevminor(e), 3);
	}
	assert_int_equal(archive_read_next_header(r, &e), ARCHIVE_EOF);
	archive_read_free(r);
}

static void test_tree_refuses(void **state)
{
	smol_auto_tree struct smol_tree *t = smol_tree_new();
	smol_auto_err struct smol_err err = SMOL_ERR_INIT;

	(void)state;
	fill(t);
	assert_int_equal(smol_tree_file(t, "../x", 0644, "", 0, &err), -1);
	assert_int_equal(smol_tree_file(t, "/", 0644, "", 0, &err), -1);
	assert_int_equal(smol_tree_file(t, "etc/passwd/x", 0644, "", 0, &err), -1);
	assert_message(err, "/etc/passwd is no directory");
	assert_int_equal(smol_tree_file(t, "etc", 0644, "", 0, &err), -1);
	assert_message(err, "/etc is there already as a directory");
	assert_int_equal(smol_tree_host_file(t, "x", "/nonexistent/file", &err), -1);
	assert_int_equal(err.code, SMOL_E_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_elf_shrink),
	    cmocka_unit_test(test_elf_refused),
	    cmocka_unit_test(test_bzimage_lz4),
	    cmocka_unit_test(test_bzimage_gzip),
	    cmocka_unit_test(test_bzimage_damaged),
	    cmocka_unit_test(test_kernel_is_no_kernel),
	    cmocka_unit_test(test_kernel_elf),
	    cmocka_unit_test(test_order_from_modinfo),
	    cmocka_unit_test(test_order_from_modules_dep),
	    cmocka_unit_test(test_order_appends),
	    cmocka_unit_test(test_order_fails),
	    cmocka_unit_test(test_module_files),
	    cmocka_unit_test(test_tree),
	    cmocka_unit_test(test_tree_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
