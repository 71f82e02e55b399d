/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a character looks: see look.h. */
#include "ui/term/look.h"

#define UNDERLINE_MASK (UINT64_C(3) << SMOL_LOOK_UNDERLINE)
#define COLOR_MASK     ((UINT64_C(1) << (SMOL_LOOK_KIND + 2)) - 1)
#define SUBS_MAX       7 /* numbers of one parameter */
#define NUMBER_MAX     100000

static const struct {
	int on, off;
	uint64_t bit;
} attributes[] = {
    {1, 22, SMOL_LOOK_BOLD},
    {3, 23, SMOL_LOOK_ITALIC},
    {5, 25, SMOL_LOOK_BLINK},
    {7, 27, SMOL_LOOK_REVERSE},
    {9, 29, SMOL_LOOK_STRIKE},
};

static uint64_t with_color(uint64_t look, int which, enum smol_look_kind kind, uint32_t value)
{
	uint64_t color = (uint64_t)kind << SMOL_LOOK_KIND | value;

	return (look & ~(COLOR_MASK << which)) | color << which;
}

static uint64_t with_underline(uint64_t look, unsigned kind)
{
	return (look & ~UNDERLINE_MASK) | (uint64_t)(kind & 3) << SMOL_LOOK_UNDERLINE;
}

static uint64_t color_of(const VTermColor *c, int which)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(c) || VTERM_COLOR_IS_DEFAULT_BG(c))
		return 0;
	if (VTERM_COLOR_IS_INDEXED(c))
		return with_color(0, which, SMOL_LOOK_INDEX, c->indexed.idx);
	return with_color(0, which, SMOL_LOOK_RGB,
	    (uint32_t)(c->rgb.red << 16 | c->rgb.green << 8 | c->rgb.blue));
}

uint64_t smol_look_of_cell(const VTermScreenCell *c)
{
	uint64_t look = color_of(&c->fg, SMOL_LOOK_FG) | color_of(&c->bg, SMOL_LOOK_BG);

	look |= c->attrs.bold ? SMOL_LOOK_BOLD : 0;
	look |= c->attrs.italic ? SMOL_LOOK_ITALIC : 0;
	look |= c->attrs.blink ? SMOL_LOOK_BLINK : 0;
	look |= c->attrs.reverse ? SMOL_LOOK_REVERSE : 0;
	look |= c->attrs.strike ? SMOL_LOOK_STRIKE : 0;
	return with_underline(look, c->attrs.underline);
}

static void color_to(VTermColor *c, uint64_t look, int which)
{
	uint32_t value = smol_look_value(look, which);

	switch (smol_look_kind(look, which)) {
	case SMOL_LOOK_DEFAULT:
		vterm_color_rgb(c, 0, 0, 0);
		c->type |= which == SMOL_LOOK_FG ? VTERM_COLOR_DEFAULT_FG : VTERM_COLOR_DEFAULT_BG;
		break;
	case SMOL_LOOK_INDEX:
		vterm_color_indexed(c, (uint8_t)value);
		break;
	case SMOL_LOOK_RGB:
		vterm_color_rgb(c, (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value);
		break;
	}
}

void smol_look_to_cell(uint64_t look, VTermScreenCell *c)
{
	color_to(&c->fg, look, SMOL_LOOK_FG);
	color_to(&c->bg, look, SMOL_LOOK_BG);
	c->attrs = (VTermScreenCellAttrs){
	    .bold = (look & SMOL_LOOK_BOLD) != 0,
	    .italic = (look & SMOL_LOOK_ITALIC) != 0,
	    .blink = (look & SMOL_LOOK_BLINK) != 0,
	    .reverse = (look & SMOL_LOOK_REVERSE) != 0,
	    .strike = (look & SMOL_LOOK_STRIKE) != 0,
	    .underline = look >> SMOL_LOOK_UNDERLINE & 3,
	};
}

uint64_t smol_look_of_pen(const VTermState *s)
{
	static const struct {
		VTermAttr attr;
		uint64_t bit;
	} bits[] = {
	    {VTERM_ATTR_BOLD, SMOL_LOOK_BOLD},
	    {VTERM_ATTR_ITALIC, SMOL_LOOK_ITALIC},
	    {VTERM_ATTR_BLINK, SMOL_LOOK_BLINK},
	    {VTERM_ATTR_REVERSE, SMOL_LOOK_REVERSE},
	    {VTERM_ATTR_STRIKE, SMOL_LOOK_STRIKE},
	};
	uint64_t look = 0;
	VTermValue v;

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (vterm_state_get_penattr(s, bits[i].attr, &v) && v.boolean)
			look |= bits[i].bit;
	if (vterm_state_get_penattr(s, VTERM_ATTR_UNDERLINE, &v))
		look = with_underline(look, (unsigned)v.number);
	if (vterm_state_get_penattr(s, VTERM_ATTR_FOREGROUND, &v))
		look |= color_of(&v.color, SMOL_LOOK_FG);
	if (vterm_state_get_penattr(s, VTERM_ATTR_BACKGROUND, &v))
		look |= color_of(&v.color, SMOL_LOOK_BG);
	return look;
}

/* ---- SGR ---- */

static const char *number(const char *p, const char *end, int *n)
{
	*n = -1;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		if (*n < NUMBER_MAX)
			*n = (*n < 0 ? 0 : *n * 10) + (*p - '0');
	return p;
}

static bool is_color(int n)
{
	return n >= 0 && n <= 255;
}

/* A colour from its numbers behind 38 or 48: 5 and an index, or 2 and three values. */
static bool color(struct smol_sgr *g, const int *v, int n)
{
	if (n == 2 && v[0] == 5 && is_color(v[1])) {
		*g = (struct smol_sgr){3, {g->v[0], 5, v[1]}};
		return true;
	}
	if (n == 4 && v[0] == 2 && is_color(v[1]) && is_color(v[2]) && is_color(v[3])) {
		*g = (struct smol_sgr){5, {g->v[0], 2, v[1], v[2], v[3]}};
		return true;
	}
	return false;
}

/* Numbers with ':' between them: "4:3", "38:5:1", "38:2:1:2:3", "38:2:space:1:2:3". */
static void with_subs(struct smol_sgr *g, const int *v, int n)
{
	static const struct smol_sgr underlines[] = {
	    {1, {24}}, {1, {4}}, {1, {21}}, {2, {4, 3}}, {1, {4}}, {1, {4}}};
	int rgb[] = {2, v[n - 3 > 0 ? n - 3 : 0], v[n - 2], v[n - 1]};

	g->n = 0;
	if (v[0] == 4 && n == 2 && v[1] >= 0 && v[1] <= 5) {
		*g = underlines[v[1]];
	} else if (v[0] == 38 || v[0] == 48) {
		g->v[0] = v[0];
		if (v[1] == 2 && (n == 5 || n == 6))
			color(g, rgb, 4);
		else
			color(g, v + 1, n - 1);
	}
}

/* What is in a terminal's power here, and in one number. */
static bool is_known(int n)
{
	return n == 0 || n == 1 || (n >= 3 && n <= 5) || n == 7 || n == 9 || (n >= 21 && n <= 25) ||
	       n == 27 || (n >= 29 && n <= 37) || (n >= 39 && n <= 47) || n == 49 ||
	       (n >= 90 && n <= 97) || (n >= 100 && n <= 107);
}

/* The old way of writing a colour: its numbers are parameters behind it. */
static const char *old_color(int which, const char *p, const char *end, struct smol_sgr *g)
{
	int v[4], n = 0, count = 1;

	while (n < count && p < end && *p == ';') {
		p = number(p + 1, end, &v[n++]);
		if (n == 1)
			count = v[0] == 5 ? 2 : v[0] == 2 ? 4 : 1;
	}
	g->v[0] = which;
	/* 58, the underline's colour, is not known here; its numbers belong to it all the same. */
	if (which == 58 || !color(g, v, n))
		g->n = 0;
	return p;
}

const char *smol_sgr_next(const char *p, const char *end, struct smol_sgr *g)
{
	int v[SUBS_MAX], n = 0;

	*g = (struct smol_sgr){0};
	p = number(p, end, &v[n++]);
	while (p < end && *p == ':') {
		int sub;

		p = number(p + 1, end, &sub);
		if (n < SUBS_MAX)
			v[n++] = sub;
	}
	if (v[0] < 0)
		v[0] = 0;
	if (n > 1)
		with_subs(g, v, n);
	else if (v[0] == 38 || v[0] == 48 || v[0] == 58)
		p = old_color(v[0], p, end, g);
	else if (is_known(v[0]))
		*g = (struct smol_sgr){1, {v[0]}};
	return p < end ? p + 1 : NULL;
}

static uint64_t apply_one(uint64_t look, int n)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		if (n == attributes[i].on)
			return look | attributes[i].bit;
		if (n == attributes[i].off)
			return look & ~attributes[i].bit;
	}
	if (n == 0)
		return SMOL_LOOK_PLAIN;
	if (n == 4 || n == 21 || n == 24)
		return with_underline(look, n == 4 ? 1 : n == 21 ? 2 : 0);
	if (n >= 30 && n <= 37)
		return with_color(look, SMOL_LOOK_FG, SMOL_LOOK_INDEX, (uint32_t)(n - 30));
	if (n >= 40 && n <= 47)
		return with_color(look, SMOL_LOOK_BG, SMOL_LOOK_INDEX, (uint32_t)(n - 40));
	if (n >= 90 && n <= 97)
		return with_color(look, SMOL_LOOK_FG, SMOL_LOOK_INDEX, (uint32_t)(n - 90 + 8));
	if (n >= 100 && n <= 107)
		return with_color(look, SMOL_LOOK_BG, SMOL_LOOK_INDEX, (uint32_t)(n - 100 + 8));
	if (n == 39 || n == 49)
		return with_color(
		    look, n == 39 ? SMOL_LOOK_FG : SMOL_LOOK_BG, SMOL_LOOK_DEFAULT, 0);
	return look;
}

uint64_t smol_sgr_apply(uint64_t look, const struct smol_sgr *g)
{
	int which = g->v[0] == 38 ? SMOL_LOOK_FG : SMOL_LOOK_BG;

	switch (g->n) {
	case 1:
		return apply_one(look, g->v[0]);
	case 2:
		return with_underline(look, 3);
	case 3:
		return with_color(look, which, SMOL_LOOK_INDEX, (uint32_t)g->v[2]);
	case 5:
		return with_color(
		    look, which, SMOL_LOOK_RGB, (uint32_t)(g->v[2] << 16 | g->v[3] << 8 | g->v[4]));
	default:
		return look;
	}
}

void smol_sgr_put(const struct smol_sgr *g, struct smol_buf *out)
{
	switch (g->n) {
	case 1:
		smol_buf_printf(out, "\033[%dm", g->v[0]);
		break;
	case 2:
		smol_buf_puts(out, "\033[4:3m");
		break;
	case 3:
		smol_buf_printf(out, "\033[%d;5;%dm", g->v[0], g->v[2]);
		break;
	case 5:
		smol_buf_printf(out, "\033[%d;2;%d;%d;%dm", g->v[0], g->v[2], g->v[3], g->v[4]);
		break;
	default:
		break;
	}
}

static void put_color(uint64_t look, int which, struct smol_buf *out)
{
	int value = (int)smol_look_value(look, which), n = which == SMOL_LOOK_FG ? 38 : 48;
	struct smol_sgr g = {0};

	if (smol_look_kind(look, which) == SMOL_LOOK_INDEX)
		g = (struct smol_sgr){3, {n, 5, value}};
	else if (smol_look_kind(look, which) == SMOL_LOOK_RGB)
		g = (struct smol_sgr){5, {n, 2, value >> 16, value >> 8 & 255, value & 255}};
	smol_sgr_put(&g, out);
}

void smol_look_put(uint64_t look, struct smol_buf *out)
{
	static const char *const underlines[] = {"", "\033[4m", "\033[21m", "\033[4:3m"};

	smol_buf_puts(out, "\033[m");
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (look & attributes[i].bit)
			smol_buf_printf(out, "\033[%dm", attributes[i].on);
	smol_buf_puts(out, underlines[look >> SMOL_LOOK_UNDERLINE & 3]);
	put_color(look, SMOL_LOOK_FG, out);
	put_color(look, SMOL_LOOK_BG, out);
}
