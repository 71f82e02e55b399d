noinst_LIBRARIES += src/agent/libagent.a
src_agent_libagent_a_SOURCES = \
	src/agent/conn.c src/agent/conn.h \
	src/agent/defaults.c src/agent/defaults.h \
	src/agent/files.c src/agent/files.h \
	src/agent/job.c src/agent/job.h \
	src/agent/job_impl.h src/agent/job_io.c \
	src/agent/job_pass.c src/agent/jobs.c \
	src/agent/launch.c src/agent/launch.h \
	src/agent/loop.c src/agent/loop.h \
	src/agent/net.c src/agent/net.h \
	src/agent/modules.c src/agent/modules.h \
	src/agent/mounts.c src/agent/mounts.h \
	src/agent/oneshot.c src/agent/oneshot.h \
	src/agent/ops.c src/agent/ops.h \
	src/agent/policy.c src/agent/policy.h \
	src/agent/ready.c src/agent/ready.h \
	src/agent/relay.c src/agent/relay.h \
	src/agent/ring.c src/agent/ring.h \
	src/agent/root.c src/agent/root.h \
	src/agent/shares.c src/agent/shares.h \
	src/agent/roster.c src/agent/roster.h \
	src/agent/server.c src/agent/server.h \
	src/agent/supervisor.c src/agent/supervisor.h \
	src/agent/sysinfo.c src/agent/sysinfo.h \
	src/agent/user.c src/agent/user.h

# libc, libcjson, and nettle where it has no archive: the image builder copies what this needs into
# the guest.
pkglibexec_PROGRAMS += smolsh-agent
smolsh_agent_SOURCES = src/agent/main.c
smolsh_agent_LDADD = src/agent/libagent.a src/proto/libproto.a src/base/libbase.a $(CJSON_LIBS) \
	$(NETTLE_STATIC)
