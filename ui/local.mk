# The screen. What knows of no terminal of ours and of no VM is a library, for its tests.
noinst_LIBRARIES += ui/libui.a
ui_libui_a_SOURCES = \
	ui/field.c ui/field.h \
	ui/form.c ui/form.h \
	ui/log.c ui/log.h \
	ui/flood.c ui/flood.h \
	ui/config.c ui/config.h \
	ui/input.c ui/input.h \
	ui/history.c ui/history.h \
	ui/look.c ui/look.h \
	ui/hit.c ui/hit.h \
	ui/layout.c ui/layout.h \
	ui/term.c ui/term.h \
	ui/theme.c ui/theme.h \
	ui/view.c ui/view.h \
	ui/caret.c ui/caret.h \
	ui/search.c ui/search.h \
	ui/tap.c ui/tap.h \
	ui/wash.c ui/wash.h
ui_libui_a_CFLAGS = $(AM_CFLAGS) $(VTERM_CFLAGS)

pkglibexec_PROGRAMS += smolsh-tui
smolsh_tui_SOURCES = \
	ui/actions.c ui/actions.h \
	ui/actions_layout.c \
	ui/actions_view.c \
	ui/app.c ui/app.h \
	ui/attach.c \
	ui/clip.c ui/clip.h \
	ui/draw.c ui/draw.h \
	ui/draw_list.c \
	ui/draw_page.c \
	ui/draw_pane.c \
	ui/draw_prompt.c \
	ui/edit.c ui/edit.h \
	ui/entry.c ui/entry.h \
	ui/events.c \
	ui/foreground.c ui/foreground.h \
	ui/jobs.c ui/jobs.h \
	ui/leaving.c \
	ui/line_prompt.c ui/line_prompt.h \
	ui/lines.c \
	ui/main.c \
	ui/mouse.c ui/mouse.h \
	ui/notices.c ui/notices.h \
	ui/options.c ui/options.h \
	ui/page.c ui/page.h \
	ui/page_details.c \
	ui/page_form.c \
	ui/page_help.c \
	ui/page_log.c \
	ui/paint.c ui/paint.h \
	ui/pane.c ui/pane.h \
	ui/panes.c \
	ui/prompt.c ui/prompt.h \
	ui/question.c ui/question.h \
	ui/restore.c ui/restore.h \
	ui/save.c ui/save.h \
	ui/stats.c ui/stats.h \
	ui/uses.c ui/uses.h \
	ui/vms.c ui/vms.h \
	ui/welcome.h
smolsh_tui_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(VTERM_CFLAGS) $(READLINE_CFLAGS) $(CURSES_CFLAGS)
smolsh_tui_LDADD = ui/libui.a src/shell/libshell.a src/vm/libvm.a src/backend/libbackend.a src/image/libimage.a \
	src/vsock/libvsock.a src/proto/libproto.a src/base/libbase.a \
	$(UV_LIBS) $(VTERM_LIBS) $(READLINE_LIBS) $(CURSES_LIBS) $(SQLITE_LIBS) $(CJSON_LIBS) $(NETTLE_LIBS)
