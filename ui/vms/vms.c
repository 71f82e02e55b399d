/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of VMs: see vms.h. */
#include "ui/vms/vms.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "shell/select.h"
#include "vm/lifecycle.h"

void smol_vms_free(struct smol_vms *v)
{
	smol_vm_list_free(v->all);
	free(v->shown);
	for (int i = 0; i < v->nmarks; i++)
		free(v->marks[i]);
	free(v->marks);
	free(v->filter);
	free(v->filter_last);
	smol_registry_close(v->registry);
	*v = (struct smol_vms){0};
}

static bool lets_through(const struct smol_vms *v, const struct smol_vm *vm)
{
	const char *f = v->filter ? v->filter : "";
	bool inverse = *f == '!';

	f += inverse;
	if (!*f)
		return true;
	if (*f == '@' && smol_select_check(f, NULL) == 0)
		return smol_select_fits(f, vm) != inverse;
	return (strstr(vm->name, f) != NULL) != inverse;
}

/* ---- order ---- */

/* What wants to be looked at comes first. */
static int rank_of(const struct smol_vm *vm)
{
	static const int ranks[SMOL_VM__COUNT] = {
	    [SMOL_VM_RUNNING] = 0,
	    [SMOL_VM_PAUSED] = 1,
	    [SMOL_VM_STARTING] = 2,
	    [SMOL_VM_STOPPING] = 3,
	    [SMOL_VM_DIED] = 4,
	    [SMOL_VM_STOPPED] = 5,
	    [SMOL_VM_CREATED] = 6,
	};

	return ranks[vm->state];
}

/* The more, the further up. */
static double weight_of(const struct smol_vms *v, const struct smol_vm *vm)
{
	const struct smol_use *use = smol_uses_of(v->uses, vm->id);

	switch (v->sort) {
	case SMOL_SORT_STATE:
		return -rank_of(vm);
	case SMOL_SORT_CPU:
		return use ? use->cpu : -1;
	case SMOL_SORT_MEMORY:
		return use ? (double)use->resident : -1;
	case SMOL_SORT_UPTIME:
		return smol_vm_state_live(vm->state) && vm->ready_ms ? -(double)vm->ready_ms
								     : -1e300;
	case SMOL_SORT_NAME:
		break;
	}
	return 0;
}

struct weighed {
	int index; /* in all, which is by name */
	double weight;
};

static int compare(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	if (x->weight > y->weight || x->weight < y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->index - y->index;
}

static void sort(struct smol_vms *v)
{
	smol_auto_free struct weighed *w = smol_alloc(((size_t)v->nshown + 1) * sizeof(*w));

	for (int i = 0; i < v->nshown; i++)
		w[i] = (struct weighed){v->shown[i], weight_of(v, v->all[v->shown[i]])};
	qsort(w, (size_t)v->nshown, sizeof(*w), compare);
	for (int i = 0; i < v->nshown; i++)
		v->shown[i] = w[i].index;
}

void smol_vms_sort(struct smol_vms *v, enum smol_sort by)
{
	v->sort = by;
	sort(v);
}

static bool is_shown(const struct smol_vms *v, const char *id)
{
	for (int i = 0; i < v->nshown; i++)
		if (strcmp(v->all[v->shown[i]]->id, id) == 0)
			return true;
	return false;
}

static void filter(struct smol_vms *v)
{
	v->nshown = v->nlive = 0;
	v->shown = smol_realloc(v->shown, ((size_t)v->nall + 1) * sizeof(int));
	for (int i = 0; i < v->nall; i++) {
		if (smol_vm_state_live(v->all[i]->state))
			v->nlive++;
		if (lets_through(v, v->all[i]))
			v->shown[v->nshown++] = i;
	}
	sort(v);
	if (is_shown(v, v->wanted))
		snprintf(v->chosen, sizeof(v->chosen), "%s", v->wanted);
	else if (!is_shown(v, v->chosen))
		snprintf(
		    v->chosen, sizeof(v->chosen), "%s", v->nshown ? v->all[v->shown[0]]->id : "");
}

/* States as they really are; those that have been removed meanwhile are left out. */
static void reconcile(struct smol_vms *v, struct smol_vm **all)
{
	int n = 0;

	for (int i = 0; all[i]; i++) {
		smol_auto_err struct smol_err err = SMOL_ERR_INIT;

		if (smol_vm_reconcile(v->registry, all[i], &err) < 0 &&
		    err.code == SMOL_E_NOT_FOUND)
			smol_vm_free(all[i]);
		else
			all[n++] = all[i];
	}
	all[n] = NULL;
	v->nall = n;
}

int smol_vms_load(struct smol_vms *v, struct smol_err *err)
{
	struct smol_vm **all;

	if (!v->registry) {
		v->registry = smol_registry_open(err);
		if (!v->registry)
			return -1;
		smol_registry_set_patience(v->registry, 100);
	}
	all = smol_registry_list(v->registry, &v->bad, err);
	if (!all)
		return -1;
	reconcile(v, all);
	smol_vm_list_free(v->all);
	v->all = all;
	/* Marks of those that are gone go, too. */
	for (int i = v->nmarks - 1; i >= 0; i--) {
		bool there = false;

		for (int k = 0; k < v->nall; k++)
			there = there || strcmp(v->all[k]->id, v->marks[i]) == 0;
		if (!there) {
			free(v->marks[i]);
			v->marks[i] = v->marks[--v->nmarks];
		}
	}
	filter(v);
	return 0;
}

void smol_vms_set_filter(struct smol_vms *v, const char *text)
{
	char *copy = smol_strdup(text);

	/* Who has chosen none has chosen the first. */
	if (!*v->wanted)
		snprintf(v->wanted, sizeof(v->wanted), "%s", v->chosen);
	free(v->filter);
	v->filter = copy;
	filter(v);
}

static int place_of_chosen(const struct smol_vms *v)
{
	for (int i = 0; i < v->nshown; i++)
		if (strcmp(v->all[v->shown[i]]->id, v->chosen) == 0)
			return i;
	return -1;
}

struct smol_vm *smol_vms_chosen(const struct smol_vms *v)
{
	int at = place_of_chosen(v);

	return at < 0 ? NULL : v->all[v->shown[at]];
}

void smol_vms_choose(struct smol_vms *v, const struct smol_vm *vm)
{
	snprintf(v->chosen, sizeof(v->chosen), "%s", vm->id);
	snprintf(v->wanted, sizeof(v->wanted), "%s", vm->id);
}

void smol_vms_move(struct smol_vms *v, int by)
{
	int at = place_of_chosen(v) + by;

	if (!v->nshown)
		return;
	if (at >= v->nshown)
		at = v->nshown - 1;
	if (at < 0)
		at = 0;
	smol_vms_choose(v, v->all[v->shown[at]]);
}

void smol_vms_scroll(struct smol_vms *v, int rows)
{
	int at = place_of_chosen(v);

	if (v->first > v->nshown - rows)
		v->first = v->nshown - rows;
	if (at >= 0 && v->first > at)
		v->first = at;
	if (v->first < at - rows + 1)
		v->first = at - rows + 1;
	if (v->first < 0)
		v->first = 0;
}

static int mark_of(const struct smol_vms *v, const char *id)
{
	for (int i = 0; i < v->nmarks; i++)
		if (strcmp(v->marks[i], id) == 0)
			return i;
	return -1;
}

bool smol_vms_marked(const struct smol_vms *v, const struct smol_vm *vm)
{
	return mark_of(v, vm->id) >= 0;
}

void smol_vms_mark(struct smol_vms *v, const struct smol_vm *vm, bool on)
{
	int at = mark_of(v, vm->id);

	if (on && at < 0) {
		v->marks = smol_realloc(v->marks, ((size_t)v->nmarks + 1) * sizeof(*v->marks));
		v->marks[v->nmarks++] = smol_strdup(vm->id);
	} else if (!on && at >= 0) {
		free(v->marks[at]);
		v->marks[at] = v->marks[--v->nmarks];
	}
}

static void add_name(struct smol_buf *b, const char *name, const char *between)
{
	smol_buf_printf(b, "%s%s", smol_buf_len(b) ? between : "", name);
}

static bool is_target(const struct smol_vms *v, const struct smol_vm *vm)
{
	if (v->only)
		return strcmp(vm->name, v->only) == 0;
	return v->nmarks ? smol_vms_marked(v, vm) : strcmp(vm->id, v->chosen) == 0;
}

char *smol_vms_targets(const struct smol_vms *v, int *n)
{
	smol_auto_buf struct smol_buf b = {0};

	*n = 0;
	for (int i = 0; i < v->nall; i++)
		if (is_target(v, v->all[i])) {
			add_name(&b, v->all[i]->name, ",");
			++*n;
		}
	return *n ? smol_buf_take(&b) : NULL;
}

char *smol_vms_targets_in(const struct smol_vms *v, enum smol_vm_state state)
{
	smol_auto_buf struct smol_buf b = {0};

	for (int i = 0; i < v->nall; i++)
		if (v->all[i]->state == state && is_target(v, v->all[i]))
			add_name(&b, v->all[i]->name, ",");
	return smol_buf_len(&b) ? smol_buf_take(&b) : NULL;
}

bool smol_vms_reaches(const struct smol_vms *v, const char *word, const struct smol_vm *vm)
{
	smol_auto_free char *copy = smol_strdup(word);
	char *rest = copy;

	for (char *part; (part = strsep(&rest, ","));) {
		if (strcmp(part, vm->name) == 0 || strcmp(part, vm->id) == 0 ||
		    (strcmp(part, "@marked") == 0 && smol_vms_marked(v, vm)))
			return true;
		if (smol_select_many(part) && smol_select_check(part, NULL) == 0 &&
		    smol_select_fits(part, vm))
			return true;
	}
	return false;
}

char *smol_vms_reached(const struct smol_vms *v, const char *word, int *n)
{
	smol_auto_buf struct smol_buf b = {0};

	*n = 0;
	for (int i = 0; i < v->nall; i++)
		if (smol_vms_reaches(v, word, v->all[i])) {
			add_name(&b, v->all[i]->name, ", ");
			++*n;
		}
	return smol_buf_take(&b);
}
