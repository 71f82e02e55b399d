# What backends are and can do: for everybody.
noinst_LIBRARIES += src/backend/libbackend.a
src_backend_libbackend_a_SOURCES = \
	src/backend/backend.c src/backend/backend.h \
	src/backend/firecracker.h src/backend/firecracker_info.c \
	src/backend/fc_version.c src/backend/fc_version.h \
	src/backend/choose.c src/backend/choose.h \
	src/backend/qemu.h src/backend/qemu_info.c \
	src/backend/vhost_vsock.c src/backend/vhost_vsock.h

# What runs them: the monitor's.
noinst_LIBRARIES += src/backend/libhypervisor.a
src_backend_libhypervisor_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
src_backend_libhypervisor_a_SOURCES = \
	src/backend/fc_api.c src/backend/fc_api.h \
	src/backend/fc_curl.c src/backend/fc_curl.h \
	src/backend/fc_reply.c src/backend/fc_reply.h \
	src/backend/fc_jail.c src/backend/fc_jail.h \
	src/backend/fc_request.c src/backend/fc_request.h \
	src/backend/firecracker.c \
	src/backend/hypervisor.c \
	src/backend/qemu.c \
	src/backend/qmp.c src/backend/qmp.h
