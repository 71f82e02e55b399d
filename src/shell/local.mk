noinst_LIBRARIES += src/shell/libshell.a
src_shell_libshell_a_SOURCES = \
	src/shell/alias.c src/shell/alias.h \
	src/shell/ask.c src/shell/ask.h \
	src/shell/cmd_alias.c \
	src/shell/cmd_balloon.c \
	src/shell/cmd_bind.c \
	src/shell/cmd_caps.c \
	src/shell/cmd_cp.c \
	src/shell/cmd_create.c \
	src/shell/cmd_delete.c \
	src/shell/cmd_disk.c \
	src/shell/cmd_doctor.c \
	src/shell/cmd_env.c \
	src/shell/cmd_exec.c src/shell/cmd_forward.c \
	src/shell/cmd_health.c \
	src/shell/cmd_help.c \
	src/shell/cmd_image.c \
	src/shell/cmd_info.c \
	src/shell/cmd_jobs.c \
	src/shell/cmd_label.c \
	src/shell/cmd_list.c \
	src/shell/cmd_logs.c \
	src/shell/cmd_set.c \
	src/shell/cmd_snapshot.c \
	src/shell/cmd_source.c \
	src/shell/cmd_state.c \
	src/shell/cmd_stats.c \
	src/shell/cmd_wait.c \
	src/shell/complete.c src/shell/complete.h src/shell/complete_guest.c src/shell/complete_guest.h \
	src/shell/complete_host.c \
	src/shell/command.c src/shell/command.h src/shell/commands.h \
	src/shell/doctor.c src/shell/doctor.h \
	src/shell/each.c src/shell/each.h \
	src/shell/events.c src/shell/events.h \
	src/shell/filter.c src/shell/filter.h src/shell/filter_tty.c \
	src/shell/follow.c src/shell/follow.h \
	src/shell/grammar.c src/shell/grammar.h \
	src/shell/guest.c src/shell/guest.h src/shell/guest_impl.h src/shell/guest_io.c \
	src/shell/help.c src/shell/help.h \
	src/shell/key_names.c src/shell/keys.c src/shell/keys.h \
	src/shell/man.c \
	src/shell/many.c src/shell/many.h src/shell/many_impl.h src/shell/many_out.c \
	src/shell/output.c src/shell/output.h \
	src/shell/parse.c src/shell/parse.h \
	src/shell/patience.c src/shell/patience.h \
	src/shell/rootfs.c src/shell/rootfs.h \
	src/shell/select.c src/shell/select.h \
	src/shell/settings.c src/shell/settings.h \
	src/shell/progress.c src/shell/progress.h \
	src/shell/shell.c src/shell/shell.h \
	src/shell/signals.c src/shell/signals.h \
	src/shell/source.c src/shell/source.h \
	src/shell/spinner.c src/shell/spinner.h \
	src/shell/stats.c src/shell/stats.h \
	src/shell/table.c \
	src/shell/tty.c src/shell/tty.h \
	src/shell/vm_args.c src/shell/vm_args.h \
	src/shell/vm_json.c src/shell/vm_json.h
src_shell_libshell_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)

bin_PROGRAMS += smolsh
smolsh_SOURCES = src/main.c
smolsh_LDADD = src/shell/libshell.a src/vm/libvm.a src/backend/libbackend.a src/image/libimage.a src/vsock/libvsock.a \
	src/proto/libproto.a src/base/libbase.a $(SQLITE_LIBS) $(CJSON_LIBS) $(NETTLE_LIBS)
