/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which page is shown: see page.h. */
#include "ui/page/page.h"

#include "ui/app.h"

static const struct smol_page_ops nothing;

static const struct smol_page_ops *const pages[SMOL_PAGE__COUNT] = {
    [SMOL_PAGE_NONE] = &nothing,
    [SMOL_PAGE_HELP] = &smol_page_help,
    [SMOL_PAGE_DETAILS] = &smol_page_details,
    [SMOL_PAGE_FORM] = &smol_page_form,
    [SMOL_PAGE_LOG] = &smol_page_log,
};

const struct smol_page_ops *smol_page(const struct smol_app *a)
{
	return pages[a->page];
}

void smol_page_open(struct smol_app *a, enum smol_page page)
{
	smol_page_close(a);
	a->page_from = a->focus;
	a->page = page;
	a->focus = pages[page]->focus;
	smol_app_changed(a);
}

void smol_page_close(struct smol_app *a)
{
	const struct smol_page_ops *page = smol_page(a);

	if (a->focus == page->focus)
		a->focus = a->page_from;
	a->page = SMOL_PAGE_NONE;
	if (page->close)
		page->close(a);
	smol_app_changed(a);
}
