pkglibexec_PROGRAMS += smolsh-monitor
smolsh_monitor_SOURCES = \
	src/monitor/balloon.c \
	src/monitor/child.c \
	src/monitor/control.c \
	src/monitor/device.c \
	src/monitor/drives.c \
	src/monitor/forward.c \
	src/monitor/guest.c \
	src/monitor/launch.c \
	src/monitor/loop.c src/monitor/loop.h \
	src/monitor/machine.c \
	src/monitor/main.c \
	src/monitor/monitor.h \
	src/monitor/output.c \
	src/monitor/pause.c \
	src/monitor/record.c \
	src/monitor/rotlog.c src/monitor/rotlog.h \
	src/monitor/shares.c \
	src/monitor/snapshot.c \
	src/monitor/tell.c \
	src/monitor/vsock.c
smolsh_monitor_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS)
smolsh_monitor_LDADD = \
	src/backend/libhypervisor.a src/backend/libbackend.a src/vm/libvm.a src/vsock/libvsock.a src/image/libimage.a \
	src/proto/libproto.a src/base/libbase.a \
	$(UV_LIBS) $(SQLITE_LIBS) $(CJSON_LIBS) $(NETTLE_LIBS)
