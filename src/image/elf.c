/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ELF files: see elf.h. Headers are copied out before use: a file's offsets may be unaligned. */
#include "image/elf.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"

#define PHDRS_MAX	 64
#define SHDRS_MAX	 4096
#define PAGE		 4096
#define XEN_PHYS32_ENTRY 18 /* the note's type: Xen's public/elfnote.h */

static bool within(size_t n, uint64_t off, uint64_t len)
{
	return off <= n && len <= n - off;
}

static bool read_ehdr(const void *data, size_t n, Elf64_Ehdr *eh)
{
	if (n < sizeof(*eh))
		return false;
	memcpy(eh, data, sizeof(*eh));
	return memcmp(eh->e_ident, ELFMAG, SELFMAG) == 0 && eh->e_ident[EI_CLASS] == ELFCLASS64 &&
	       eh->e_ident[EI_DATA] == ELFDATA2LSB && eh->e_machine == EM_X86_64 &&
	       (!eh->e_phnum || /* modules have no program headers */
		   (eh->e_phentsize == sizeof(Elf64_Phdr) && eh->e_phnum <= PHDRS_MAX &&
		       within(n, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr))));
}

static Elf64_Phdr phdr(const void *data, const Elf64_Ehdr *eh, unsigned i)
{
	Elf64_Phdr ph;

	memcpy(&ph, (const char *)data + eh->e_phoff + i * sizeof(ph), sizeof(ph));
	return ph;
}

bool smol_elf_ok(const void *data, size_t n)
{
	Elf64_Ehdr eh;

	return read_ehdr(data, n, &eh);
}

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Is there a note of this owner and type in the n bytes at p? */
static bool note_there(const char *p, size_t n, const char *owner, uint32_t type)
{
	Elf64_Nhdr nh;

	while (n >= sizeof(nh)) {
		size_t len;

		memcpy(&nh, p, sizeof(nh));
		if (nh.n_namesz > n || nh.n_descsz > n)
			return false;
		len = sizeof(nh) + align4(nh.n_namesz) + align4(nh.n_descsz);
		if (len > n)
			return false;
		if (nh.n_type == type && nh.n_namesz == strlen(owner) + 1 &&
		    memcmp(p + sizeof(nh), owner, nh.n_namesz) == 0)
			return true;
		p += len;
		n -= len;
	}
	return false;
}

bool smol_elf_has_pvh(const void *data, size_t n)
{
	Elf64_Ehdr eh;

	if (!read_ehdr(data, n, &eh))
		return false;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph = phdr(data, &eh, i);

		if (ph.p_type == PT_NOTE && within(n, ph.p_offset, ph.p_filesz) &&
		    note_there(
			(const char *)data + ph.p_offset, ph.p_filesz, "Xen", XEN_PHYS32_ENTRY))
			return true;
	}
	return false;
}

char *smol_elf_interp(const void *data, size_t n)
{
	Elf64_Ehdr eh;

	if (!read_ehdr(data, n, &eh))
		return NULL;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph = phdr(data, &eh, i);

		if (ph.p_type == PT_INTERP && within(n, ph.p_offset, ph.p_filesz) &&
		    ph.p_filesz < 4096)
			return smol_strndup((const char *)data + ph.p_offset, ph.p_filesz);
	}
	return NULL;
}

static bool read_shdr(const void *data, size_t n, const Elf64_Ehdr *eh, unsigned i, Elf64_Shdr *sh)
{
	uint64_t at = eh->e_shoff + (uint64_t)i * sizeof(*sh);

	if (eh->e_shentsize != sizeof(*sh) || i >= eh->e_shnum || eh->e_shoff > n ||
	    !within(n, at, sizeof(*sh)))
		return false;
	memcpy(sh, (const char *)data + at, sizeof(*sh));
	return true;
}

const void *smol_elf_section(const void *data, size_t n, const char *name, size_t *len)
{
	Elf64_Shdr strs, sh;
	Elf64_Ehdr eh;
	size_t want = strlen(name) + 1;

	if (!read_ehdr(data, n, &eh) || !read_shdr(data, n, &eh, eh.e_shstrndx, &strs) ||
	    !within(n, strs.sh_offset, strs.sh_size))
		return NULL;
	for (unsigned i = 0; i < eh.e_shnum && i < SHDRS_MAX; i++) {
		if (!read_shdr(data, n, &eh, i, &sh))
			return NULL;
		if (sh.sh_type == SHT_NOBITS || !within(strs.sh_size, sh.sh_name, want) ||
		    memcmp((const char *)data + strs.sh_offset + sh.sh_name, name, want) != 0)
			continue;
		if (!within(n, sh.sh_offset, sh.sh_size))
			return NULL;
		*len = sh.sh_size;
		return (const char *)data + sh.sh_offset;
	}
	return NULL;
}

static size_t without_zeros(const char *p, size_t n)
{
	while (n && !p[n - 1])
		n--;
	return n;
}

static void pad_to(struct smol_buf *out, size_t base, uint64_t residue)
{
	size_t at = smol_buf_len(out) - base;
	size_t gap = (size_t)(residue - at) % PAGE;

	memset(smol_buf_reserve(out, gap + 1), 0, gap + 1);
	smol_buf_commit(out, gap);
}

/* Where the file's bytes of a segment that is not loaded itself have gone: into a loaded one that
 * holds them, or else to the end. */
static void place_other(const char *data, const Elf64_Ehdr *eh, const Elf64_Phdr *moved,
    Elf64_Phdr *ph, struct smol_buf *out, size_t base)
{
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr old = phdr(data, eh, i);

		if (old.p_type != PT_LOAD || ph->p_offset < old.p_offset ||
		    ph->p_offset - old.p_offset > moved[i].p_filesz ||
		    ph->p_filesz > moved[i].p_filesz - (ph->p_offset - old.p_offset))
			continue;
		ph->p_offset = moved[i].p_offset + (ph->p_offset - old.p_offset);
		return;
	}
	pad_to(out, base, ph->p_offset);
	smol_buf_append(out, data + ph->p_offset, ph->p_filesz);
	ph->p_offset = smol_buf_len(out) - base - ph->p_filesz;
}

int smol_elf_shrink(const void *data, size_t n, struct smol_buf *out, struct smol_err *err)
{
	size_t base = smol_buf_len(out), limit = n + (size_t)PAGE * PHDRS_MAX, heads;
	Elf64_Phdr ph[PHDRS_MAX];
	Elf64_Ehdr eh;
	unsigned loads = 0;

	if (!read_ehdr(data, n, &eh))
		return smol_err_set(err, SMOL_E_INVALID, "not an ELF file for x86-64");
	heads = sizeof(eh) + eh.e_phnum * sizeof(ph[0]);
	memset(smol_buf_reserve(out, limit), 0, heads);
	smol_buf_commit(out, heads);
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		ph[i] = phdr(data, &eh, i);
		if (!within(n, ph[i].p_offset, ph[i].p_filesz))
			return smol_err_set(err, SMOL_E_INVALID, "a segment lies outside the file");
		if (ph[i].p_type != PT_LOAD)
			continue;
		loads++;
		ph[i].p_filesz = without_zeros((const char *)data + ph[i].p_offset, ph[i].p_filesz);
		pad_to(out, base, ph[i].p_vaddr);
		smol_buf_append(out, (const char *)data + ph[i].p_offset, ph[i].p_filesz);
		ph[i].p_offset = smol_buf_len(out) - base - ph[i].p_filesz;
		ph[i].p_align = PAGE;
		/* Segments that overlap in the file could make many of little. */
		if (smol_buf_len(out) - base > limit)
			return smol_err_set(err, SMOL_E_INVALID, "its segments overlap");
	}
	if (!loads)
		return smol_err_set(err, SMOL_E_INVALID, "it has nothing to load");
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD && ph[i].p_filesz)
			place_other(data, &eh, ph, &ph[i], out, base);
		if (smol_buf_len(out) - base > limit)
			return smol_err_set(err, SMOL_E_INVALID, "its segments overlap");
	}
	eh.e_shoff = 0;
	eh.e_shnum = eh.e_shstrndx = 0;
	eh.e_phoff = sizeof(eh);
	memcpy(smol_buf_head(out) + base, &eh, sizeof(eh));
	memcpy(smol_buf_head(out) + base + sizeof(eh), ph, eh.e_phnum * sizeof(ph[0]));
	return 0;
}
