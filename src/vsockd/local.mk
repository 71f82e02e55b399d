# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/vsockd/libvsockd.a
src_vsockd_libvsockd_a_SOURCES = \
	src/vsockd/conn.c src/vsockd/conn.h \
	src/vsockd/device.c src/vsockd/device.h \
	src/vsockd/filter.c \
	src/vsockd/guest_mem.c src/vsockd/guest_mem.h \
	src/vsockd/isolation.c src/vsockd/isolation.h \
	src/vsockd/log.c src/vsockd/log.h \
	src/vsockd/loop.c \
	src/vsockd/packet.h \
	src/vsockd/root.c \
	src/vsockd/rx.c \
	src/vsockd/serve.c src/vsockd/serve.h \
	src/vsockd/tx.c \
	src/vsockd/uds.c src/vsockd/uds.h \
	src/vsockd/vhost_user.c src/vsockd/vhost_user.h \
	src/vsockd/vring.c src/vsockd/vring.h

pkglibexec_PROGRAMS += smolsh-vsockd
smolsh_vsockd_SOURCES = src/vsockd/main.c
smolsh_vsockd_LDADD = src/vsockd/libvsockd.a src/base/libbase.a $(SECCOMP_LIBS)
