noinst_LIBRARIES += src/proto/libproto.a
src_proto_libproto_a_SOURCES = \
	src/proto/files.c src/proto/files.h \
	src/proto/files_receive.c src/proto/files_receive.h \
	src/proto/files_send.c src/proto/files_send.h \
	src/proto/frame.c src/proto/frame.h \
	src/proto/json.c src/proto/json.h \
	src/proto/limits.c src/proto/limits.h \
	src/proto/relay.c src/proto/relay.h \
	src/proto/request.c src/proto/request.h
