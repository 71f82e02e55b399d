noinst_LIBRARIES += src/backend/libbackend.a
src_backend_libbackend_a_SOURCES = \
	src/backend/backend.c src/backend/backend.h \
	src/backend/qemu.c src/backend/qemu.h \
	src/backend/qmp.c src/backend/qmp.h
