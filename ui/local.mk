pkglibexec_PROGRAMS += smolsh-tui
smolsh_tui_SOURCES = \
	ui/app.c ui/app.h \
	ui/draw.c \
	ui/input.c ui/input.h \
	ui/keys.c ui/keys.h \
	ui/layout.c \
	ui/main.c \
	ui/pane.c ui/pane.h \
	ui/prompt.c ui/prompt.h \
	ui/term.c ui/term.h \
	ui/vms.c ui/vms.h
smolsh_tui_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(VTERM_CFLAGS) $(READLINE_CFLAGS) $(CURSES_CFLAGS)
smolsh_tui_LDADD = src/shell/libshell.a src/vm/libvm.a src/backend/libbackend.a src/image/libimage.a src/vsock/libvsock.a \
	src/proto/libproto.a src/base/libbase.a $(UV_LIBS) $(VTERM_LIBS) $(READLINE_LIBS) $(CURSES_LIBS) \
	$(SQLITE_LIBS) $(CJSON_LIBS) $(MD_LIBS)
