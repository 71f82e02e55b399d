/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Purpose: map guest memory and turn guest addresses into pointers; invariants in guest_mem.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vsockd/guest_mem.h"

static void unmap(struct smol_guest_mem *gm)
{
	for (unsigned i = 0; i < gm->n; i++)
		munmap(gm->r[i].map, gm->r[i].map_len);
	gm->n = 0;
}

void smol_gm_clear(struct smol_guest_mem *gm)
{
	unmap(gm);
}

/* No sum may wrap, and no two regions may claim the same guest address. */
static int check(const struct smol_gm_desc *d, unsigned n, struct smol_err *err)
{
	for (unsigned i = 0; i < n; i++) {
		if (d[i].size == 0 || d[i].size > UINT64_MAX - d[i].gpa ||
		    d[i].size > UINT64_MAX - d[i].uaddr || d[i].size > (uint64_t)INT64_MAX - 1 ||
		    d[i].mmap_offset > (uint64_t)INT64_MAX - d[i].size)
			return smol_err_set(
			    err, SMOL_E_PROTOCOL, "memory region %u has an impossible range", i);
		for (unsigned j = 0; j < i; j++) {
			if (d[i].gpa < d[j].gpa + d[j].size && d[j].gpa < d[i].gpa + d[i].size)
				return smol_err_set(
				    err, SMOL_E_PROTOCOL, "memory regions %u and %u overlap", j, i);
		}
	}
	return 0;
}

/* The file cannot become shorter from here on, if it is of a kind that can be told so: a memfd that
 * allows seals. QEMU's has this one already. Where it cannot be had, what loses its file is noticed
 * when it is used (SIGBUS, or EFAULT from a system call) and ends the session. */
static void keep_length(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals >= 0 && !(seals & (F_SEAL_SHRINK | F_SEAL_SEAL)))
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
}

static int map_one(
    struct smol_gm_region *r, const struct smol_gm_desc *d, int fd, struct smol_err *err)
{
	struct stat st;
	uint64_t align = 4096, from, len;
	void *p;

	keep_length(fd);
	/* fstat() itself may be newfstatat(), which takes a path: that is not in the filter. */
	if (syscall(SYS_fstat, fd, &st) < 0)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot stat a memory region");
	/* A mapping past the end of its file would be a SIGBUS for the guest to trigger. */
	if (st.st_size < 0 || (uint64_t)st.st_size < d->mmap_offset + d->size)
		return smol_err_set(
		    err, SMOL_E_PROTOCOL, "a memory region is longer than its file");
	/* hugetlbfs wants offsets and lengths in its own page size, which it gives as st_blksize */
	if (st.st_blksize > 4096 && (st.st_blksize & (st.st_blksize - 1)) == 0)
		align = (uint64_t)st.st_blksize;
	from = d->mmap_offset & ~(align - 1);
	len = (d->mmap_offset - from + d->size + align - 1) & ~(align - 1);
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)from);
	if (p == MAP_FAILED)
		return smol_err_errno(err, SMOL_E_IO, errno, "cannot map a memory region");
	*r = (struct smol_gm_region){
	    .gpa = d->gpa,
	    .size = d->size,
	    .uaddr = d->uaddr,
	    .host = (uint8_t *)p + (d->mmap_offset - from),
	    .map = p,
	    .map_len = len,
	};
	return 0;
}

int smol_gm_set(struct smol_guest_mem *gm, const struct smol_gm_desc *d, const int *fds, unsigned n,
    struct smol_err *err)
{
	struct smol_guest_mem fresh = {.n = 0};

	if (n > SMOL_GM_MAX)
		return smol_err_set(
		    err, SMOL_E_LIMIT, "%u memory regions, at most %u", n, SMOL_GM_MAX);
	if (check(d, n, err) < 0)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		if (map_one(&fresh.r[i], &d[i], fds[i], err) < 0) {
			unmap(&fresh);
			return -1;
		}
		fresh.n++;
	}
	unmap(gm);
	*gm = fresh;
	return 0;
}

void *smol_gm_user(const struct smol_guest_mem *gm, uint64_t uaddr, uint64_t len)
{
	for (unsigned i = 0; i < gm->n; i++) {
		const struct smol_gm_region *r = &gm->r[i];
		uint64_t off = uaddr - r->uaddr;

		if (uaddr < r->uaddr || off >= r->size)
			continue;
		return len > r->size - off ? NULL : r->host + off;
	}
	return NULL;
}

static const struct smol_gm_region *find(const struct smol_guest_mem *gm, uint64_t gpa)
{
	for (unsigned i = 0; i < gm->n; i++) {
		const struct smol_gm_region *r = &gm->r[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size)
			return r;
	}
	return NULL;
}

void *smol_gm_phys(const struct smol_guest_mem *gm, uint64_t gpa, uint64_t len)
{
	const struct smol_gm_region *r = find(gm, gpa);

	if (!r || len > r->size - (gpa - r->gpa))
		return NULL;
	return r->host + (gpa - r->gpa);
}

int smol_gm_iov(
    const struct smol_guest_mem *gm, uint64_t gpa, uint64_t len, struct iovec *iov, unsigned max)
{
	unsigned n = 0;

	while (len > 0) {
		const struct smol_gm_region *r = find(gm, gpa);
		uint64_t off, take;

		if (!r || n == max)
			return -1;
		off = gpa - r->gpa;
		take = len > r->size - off ? r->size - off : len;
		iov[n++] = (struct iovec){.iov_base = r->host + off, .iov_len = take};
		/* gpa cannot wrap: a region ends at or before 2^64 - 1 */
		gpa += take;
		len -= take;
	}
	return (int)n;
}
