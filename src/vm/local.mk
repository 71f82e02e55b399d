noinst_LIBRARIES += src/vm/libvm.a
src_vm_libvm_a_SOURCES = \
	src/vm/balloon.c \
	src/vm/cid.c src/vm/cid.h \
	src/vm/children.c src/vm/children.h \
	src/vm/config.c src/vm/config.h \
	src/vm/disk.c src/vm/disk.h src/vm/disk_files.c \
	src/vm/explain.c \
	src/vm/jail.c src/vm/jail.h \
	src/vm/lifecycle.c src/vm/lifecycle.h src/vm/lifecycle_internal.h \
	src/vm/monitor_client.c src/vm/monitor_client.h \
	src/vm/pause.c \
	src/vm/reconcile.c \
	src/vm/registry.c src/vm/registry.h \
	src/vm/registry_config.c src/vm/registry_create.c src/vm/registry_internal.h src/vm/registry_pairs.c src/vm/registry_state.c \
	src/vm/snapshot.c src/vm/snapshot.h \
	src/vm/upper.c src/vm/upper.h \
	src/vm/share.c src/vm/share.h \
	src/vm/nettap.c src/vm/nettap.h \
	src/vm/vm_files.c
src_vm_libvm_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
