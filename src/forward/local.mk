pkglibexec_PROGRAMS += smolsh-forward
smolsh_forward_SOURCES = \
	src/forward/flow.c \
	src/forward/forward.h \
	src/forward/main.c \
	src/forward/run.c
smolsh_forward_LDADD = src/vsock/libvsock.a src/proto/libproto.a src/base/libbase.a $(CJSON_LIBS)
