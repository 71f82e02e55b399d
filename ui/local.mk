# The screen. What knows of no terminal of ours and of no VM is a library, for its tests.
noinst_LIBRARIES += ui/libui.a
ui_libui_a_SOURCES = \
	ui/config.c ui/config.h \
	ui/draw/theme.c ui/draw/theme.h \
	ui/input/hit.c ui/input/hit.h \
	ui/input/input.c ui/input/input.h \
	ui/page/form.c ui/page/form.h \
	ui/page/log.c ui/page/log.h \
	ui/pane/caret.c ui/pane/caret.h \
	ui/pane/layout.c ui/pane/layout.h \
	ui/pane/search.c ui/pane/search.h \
	ui/pane/tap.c ui/pane/tap.h \
	ui/pane/view.c ui/pane/view.h \
	ui/prompt/field.c ui/prompt/field.h \
	ui/term/flood.c ui/term/flood.h \
	ui/term/history.c ui/term/history.h \
	ui/term/look.c ui/term/look.h \
	ui/term/term.c ui/term/term.h \
	ui/term/wash.c ui/term/wash.h
ui_libui_a_CFLAGS = $(AM_CFLAGS) $(VTERM_CFLAGS)

pkglibexec_PROGRAMS += smolsh-tui
smolsh_tui_SOURCES = \
	ui/app.c ui/app.h \
	ui/draw/draw.c ui/draw/draw.h \
	ui/draw/draw_list.c \
	ui/draw/draw_page.c \
	ui/draw/draw_pane.c \
	ui/draw/draw_prompt.c \
	ui/draw/paint.c ui/draw/paint.h \
	ui/input/actions.c ui/input/actions.h \
	ui/input/actions_layout.c \
	ui/input/actions_view.c \
	ui/input/events.c \
	ui/input/keyboard.c ui/input/keyboard.h \
	ui/input/leaving.c \
	ui/input/mouse.c ui/input/mouse.h \
	ui/input/question.c ui/input/question.h \
	ui/lines.c \
	ui/main.c \
	ui/options.c ui/options.h \
	ui/page/page.c ui/page/page.h \
	ui/page/page_details.c \
	ui/page/page_form.c \
	ui/page/page_help.c \
	ui/page/page_log.c \
	ui/pane/clip.c ui/pane/clip.h \
	ui/pane/pane.c ui/pane/pane.h \
	ui/pane/panes.c \
	ui/pane/save.c ui/pane/save.h \
	ui/prompt/edit.c ui/prompt/edit.h \
	ui/prompt/entry.c ui/prompt/entry.h \
	ui/prompt/foreground.c ui/prompt/foreground.h \
	ui/prompt/line_prompt.c ui/prompt/line_prompt.h \
	ui/prompt/notices.c ui/prompt/notices.h \
	ui/prompt/prompt.c ui/prompt/prompt.h \
	ui/prompt/welcome.h \
	ui/restore.c ui/restore.h \
	ui/vms/attach.c \
	ui/vms/jobs.c ui/vms/jobs.h \
	ui/vms/stats.c ui/vms/stats.h \
	ui/vms/uses.c ui/vms/uses.h \
	ui/vms/vms.c ui/vms/vms.h \
	ui/vms/watch.c ui/vms/watch.h
smolsh_tui_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(VTERM_CFLAGS) $(READLINE_CFLAGS) $(CURSES_CFLAGS)
smolsh_tui_LDADD = ui/libui.a src/shell/libshell.a src/vm/libvm.a src/backend/libbackend.a src/image/libimage.a \
	src/vsock/libvsock.a src/proto/libproto.a src/base/libbase.a \
	$(UV_LIBS) $(VTERM_LIBS) $(READLINE_LIBS) $(CURSES_LIBS) $(SQLITE_LIBS) $(CJSON_LIBS) $(NETTLE_LIBS)
