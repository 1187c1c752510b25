#include "winograd.h"
#include <math.h>

/* ---- matrices ---- */

/* 0, +-5/8, +-3/2, +-1: close to 1 on both sides, so that powers neither grow nor vanish, and exact
 * in float with their powers. Rounding errors of F(4, 3) are half those of 0, +-1, +-2. */
static double point(int i)
{
    static const double distances[] = {0.625, 1.5, 1.0};
    if (i == 0)
        return 0;
    return i % 2 ? distances[(i - 1) / 2] : -distances[(i - 1) / 2];
}

/* Coefficients of the product of (x - point(l)) over l < COUNT but SKIP; the number of them. */
static int polynomial(int count, int skip, double *coefficients)
{
    int length = 1;
    coefficients[0] = 1;
    for (int l = 0; l < count; l++) {
        if (l == skip)
            continue;
        coefficients[length] = 0;
        for (int i = length; i >= 0; i--)
            coefficients[i] = (i ? coefficients[i - 1] : 0) - point(l) * coefficients[i];
        length++;
    }
    return length;
}

/* The product of POINT(J)'s distances from the other finite points. */
static double denominator(int j, int finite)
{
    double product = 1;
    for (int l = 0; l < finite; l++)
        if (l != j)
            product *= point(j) - point(l);
    return product;
}

struct winograd winograd_make(int m, int r)
{
    int n = m + r - 1, finite = n - 1;
    check_bug(m >= 1 && r >= 1 && n >= 2 && n <= WINOGRAD_MOST);
    struct winograd w = {.m = m,
                         .r = r,
                         .n = n,
                         .stride = 1,
                         .filter = {.rows = n, .columns = r},
                         .input = {.rows = n, .columns = n},
                         .output = {.rows = m, .columns = n}};
    for (int j = 0; j < finite; j++) {
        double divisor = denominator(j, finite), coefficients[WINOGRAD_MOST + 1];
        for (int k = 0; k < r; k++)
            w.filter.at[j][k] = pow(point(j), k) / divisor;
        for (int i = 0; i < m; i++)
            w.output.at[i][j] = pow(point(j), i);
        int length = polynomial(finite, j, coefficients);
        for (int i = 0; i < length; i++)
            w.input.at[j][i] = coefficients[i];
    }
    double coefficients[WINOGRAD_MOST + 1];
    int length = polynomial(finite, -1, coefficients);
    for (int i = 0; i < length; i++)
        w.input.at[finite][i] = coefficients[i];
    w.filter.at[finite][r - 1] = 1;
    w.output.at[m - 1][finite] = 1;
    return w;
}

/* F(M, 1) without transforms. */
static struct winograd make_products(int m)
{
    struct winograd w = {.m = m,
                         .r = 1,
                         .n = m,
                         .stride = 1,
                         .filter = {.rows = m, .columns = 1},
                         .input = {.rows = m, .columns = m},
                         .output = {.rows = m, .columns = m}};
    for (int i = 0; i < m; i++)
        w.filter.at[i][0] = w.input.at[i][i] = w.output.at[i][i] = 1;
    return w;
}

struct winograd winograd_make_strided(int m, int r, int stride)
{
    if (stride == 1)
        return winograd_make(m, r);
    int n = stride * (m - 1) + r, row = 0;
    check_bug(stride == 2 && m >= 1 && r >= 2 && n <= WINOGRAD_MOST);
    struct winograd w = {.m = m,
                         .r = r,
                         .n = n,
                         .stride = stride,
                         .filter = {.rows = n, .columns = r},
                         .input = {.rows = n, .columns = n},
                         .output = {.rows = m, .columns = n}};
    for (int part = 0; part < stride; part++) {
        int taps = divide_up(r - part, stride);
        struct winograd own = taps == 1 ? make_products(m) : winograd_make(m, taps);
        for (int j = 0; j < own.n; j++, row++) {
            for (int k = 0; k < taps; k++)
                w.filter.at[row][stride * k + part] = own.filter.at[j][k];
            for (int i = 0; i < own.n; i++)
                w.input.at[row][stride * i + part] = own.input.at[j][i];
            for (int i = 0; i < m; i++)
                w.output.at[i][row] = own.output.at[i][j];
        }
    }
    return w;
}

/* ---- matrices as statements ---- */

/* One term of a sum: FACTOR * NAME. */
struct term {
    double factor;
    const char *name;
};
struct sum {
    struct term terms[WINOGRAD_MOST];
    int count;
};

struct printer {
    struct arena *arena;
    struct winograd_code code;
    int temporaries;
};

static void add_term(struct sum *sum, double factor, const char *name)
{
    if (factor != 0)
        sum->terms[sum->count++] = (struct term){factor, name};
}

static const char *number(struct arena *arena, double value)
{
    bool whole = value == floor(value) && fabs(value) < 1e6;
    return arena_printf(arena, whole ? "%.1ff" : "%.9gf", value);
}

/* SUM as an expression, terms of factor 1 first. */
static const char *expression(struct printer *p, const struct sum *sum)
{
    const char *text = "";
    for (int plain = 1; plain >= 0; plain--)
        for (int i = 0; i < sum->count; i++) {
            double size = fabs(sum->terms[i].factor);
            if ((size == 1) != plain)
                continue;
            const char *sign = sum->terms[i].factor < 0 ? (*text ? " - " : "-")
                               : *text                  ? " + "
                                                        : "";
            const char *factor =
                plain ? "" : arena_printf(p->arena, "%s * ", number(p->arena, size));
            p->code.operations += *text || !plain;
            text = arena_printf(p->arena, "%s%s%s%s", text, sign, factor, sum->terms[i].name);
        }
    return *text ? text : "(vf){0}";
}

static void add_line(struct printer *p, const char *line)
{
    vector_push(p->arena, &p->code.lines, line);
}

/* SUM as a temporary WHAT. */
static const char *name_sum(struct printer *p, const char *what, const struct sum *sum)
{
    const char *name = arena_printf(p->arena, "%s%d", what, p->temporaries);
    add_line(p, arena_printf(p->arena, "const vf %s = %s;", name, expression(p, sum)));
    return name;
}

/* ---- columns ---- */

/* The matrix as sums, one a row: at first of inputs, then of sums and differences of them. */
struct rows {
    int count;
    struct sum sums[WINOGRAD_MOST];
};

/* Columns P and Q differ in signs alone, and more than one row has them. */
static bool columns_pair(const struct winograd_matrix *m, int p, int q)
{
    int used = 0;
    for (int i = 0; i < m->rows; i++) {
        if (fabs(m->at[i][p]) != fabs(m->at[i][q]))
            return false;
        used += m->at[i][p] != 0;
    }
    return used > 1;
}

static void add_column_pair(struct printer *p, const struct winograd_matrix *m, struct rows *rows,
                            int a, int b, const char *const *names)
{
    const char *same = NULL, *opposite = NULL;
    for (int i = 0; i < m->rows; i++) {
        double factor = m->at[i][a];
        bool sum = factor == m->at[i][b];
        const char **name = sum ? &same : &opposite;
        if (factor == 0)
            continue;
        if (!*name) {
            struct sum pair = {.count = 0};
            add_term(&pair, 1, names[a]);
            add_term(&pair, sum ? 1 : -1, names[b]);
            *name = name_sum(p, sum ? "sum" : "difference", &pair);
        }
        add_term(&rows->sums[i], factor, *name);
    }
    p->temporaries++;
}

static struct rows add_columns(struct printer *p, const struct winograd_matrix *m, const char *in)
{
    struct rows rows = {.count = m->rows};
    const char *names[WINOGRAD_MOST];
    bool done[WINOGRAD_MOST] = {false};
    for (int j = 0; j < m->columns; j++)
        names[j] = arena_printf(p->arena, "%s[%d]", in, j);
    for (int a = 0; a < m->columns; a++) {
        int b = a + 1;
        while (b < m->columns && (done[b] || !columns_pair(m, a, b)))
            b++;
        if (done[a])
            continue;
        if (b < m->columns) {
            add_column_pair(p, m, &rows, a, b, names);
            done[b] = true;
        } else
            for (int i = 0; i < m->rows; i++)
                add_term(&rows.sums[i], m->at[i][a], names[a]);
    }
    return rows;
}

/* ---- rows ---- */

static bool rows_pair(const struct sum *a, const struct sum *b)
{
    if (a->count != b->count || a->count < 2)
        return false;
    for (int i = 0; i < a->count; i++)
        if (a->terms[i].name != b->terms[i].name ||
            fabs(a->terms[i].factor) != fabs(b->terms[i].factor))
            return false;
    return true;
}

/* The terms of A that B has with the same sign (or the other one), over *factor, the last one's. */
static struct sum shared_terms(const struct sum *a, const struct sum *b, bool same, double *factor)
{
    struct sum shared = {.count = 0};
    *factor = 0;
    for (int i = 0; i < a->count; i++)
        if ((a->terms[i].factor == b->terms[i].factor) == same) {
            add_term(&shared, a->terms[i].factor, a->terms[i].name);
            *factor = a->terms[i].factor;
        }
    for (int i = 0; i < shared.count; i++)
        shared.terms[i].factor /= *factor;
    return shared;
}

static void print_row(struct printer *p, const char *out, int row, const struct sum *sum)
{
    add_line(p, arena_printf(p->arena, "%s[%d] = %s;", out, row, expression(p, sum)));
}

/* Rows A and B as even part + odd part, even part - odd part. */
static void print_row_pair(struct printer *p, const char *out, const struct rows *rows, int a,
                           int b)
{
    struct sum first = {.count = 0}, second = {.count = 0};
    for (int odd = 0; odd < 2; odd++) {
        double factor;
        struct sum part = shared_terms(&rows->sums[a], &rows->sums[b], !odd, &factor);
        if (part.count == 0)
            continue;
        const char *name =
            part.count == 1 ? part.terms[0].name : name_sum(p, odd ? "odd" : "even", &part);
        add_term(&first, factor, name);
        add_term(&second, odd ? -factor : factor, name);
    }
    p->temporaries++;
    print_row(p, out, a, &first);
    print_row(p, out, b, &second);
}

struct winograd_code winograd_print(struct arena *arena, const struct winograd_matrix *matrix,
                                    const char *in, const char *out)
{
    struct printer p = {.arena = arena};
    struct rows rows = add_columns(&p, matrix, in);
    bool done[WINOGRAD_MOST] = {false};
    for (int a = 0; a < rows.count; a++) {
        int b = a + 1;
        while (b < rows.count && (done[b] || !rows_pair(&rows.sums[a], &rows.sums[b])))
            b++;
        if (done[a])
            continue;
        if (b < rows.count) {
            print_row_pair(&p, out, &rows, a, b);
            done[b] = true;
        } else
            print_row(&p, out, a, &rows.sums[a]);
    }
    return p.code;
}
