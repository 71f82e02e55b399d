noinst_LIBRARIES += src/vsock/libvsock.a
src_vsock_libvsock_a_SOURCES = \
	src/vsock/addr.c src/vsock/addr.h \
	src/vsock/client.c src/vsock/client.h \
	src/vsock/client_impl.h src/vsock/stream.c \
	src/vsock/dial.c src/vsock/dial.h \
	src/vsock/files.c src/vsock/files.h
