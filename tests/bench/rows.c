/*
 * rows: the lines of the table, for people or in JSON (README.md has the schema).
 */
#include "rows.h"

#include "machine.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void print_head(bool json)
{
    if (!json)
        printf("%-6s %-40s %5s %10s %9s  %-26s %10s %7s  %s\n", "task", "case", "batch", "ours",
               "images/s", "peer", "its", "ratio", "min .. max");
}

/* VALUE as JSON has it. */
static void print_number(const char *key, double value)
{
    if (isfinite(value))
        printf(", \"%s\": %.6g", key, value);
    else
        printf(", \"%s\": null", key);
}

/* TEXT as JSON has it. */
static void print_text(const char *key, const char *text)
{
    printf(", \"%s\": \"", key);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar((unsigned char)*text < ' ' ? ' ' : *text);
    }
    putchar('"');
}

/* What a line is, and of which case. */
static void print_case(const char *kind, const char *task, const char *name, int batch)
{
    printf("{\"kind\": \"%s\"", kind);
    print_text("task", task);
    print_text("case", name);
    printf(", \"batch\": %d", batch);
}

static void print_json(const struct row *row, double ours, double theirs, double *ratios)
{
    print_case("row", row->task, row->name, row->batch);
    print_text("unit", row->memory ? "bytes" : "seconds");
    print_number("ours", ours);
    if (row->flops > 0 && row->peak > 0)
        print_number("share_of_peak", row->flops / ours * 1e-9 / row->peak);
    if (row->peer) {
        print_text("peer", row->peer);
        print_text("variant", row->variant ? row->variant : "");
        print_number("theirs", theirs);
        print_number("ratio", median(ratios, row->rounds));
        print_number("ratio_min", ratios[0]);
        print_number("ratio_max", ratios[row->rounds - 1]);
        print_number("difference", row->difference);
    } else
        printf(", \"peer\": null");
    printf(", \"rounds\": %d}\n", row->rounds);
}

/* "12.34 ms", "567 MB". */
static const char *quantity(char text[32], const struct row *row, double value)
{
    if (row->memory)
        snprintf(text, 32, "%.0f MB", value * 1e-6);
    else
        snprintf(text, 32,
                 value < 1e-3 ? "%.4f ms"
                 : value < 1  ? "%.2f ms"
                              : "%.0f ms",
                 value * 1e3);
    return text;
}

void print_row(const struct row *row, bool json)
{
    double ours[MOST_ROUNDS], theirs[MOST_ROUNDS], ratios[MOST_ROUNDS];
    char text[32], speed[32] = "", peer[64] = "";
    memcpy(ours, row->ours, sizeof ours);
    memcpy(theirs, row->theirs, sizeof theirs);
    for (int i = 0; i < row->rounds; i++)
        ratios[i] = row->theirs[i] / row->ours[i];
    double own = median(ours, row->rounds), other = median(theirs, row->rounds);
    double ratio = median(ratios, row->rounds);
    if (json) {
        print_json(row, own, other, ratios);
        fflush(stdout);
        return;
    }
    if (row->flops > 0 && row->peak > 0)
        snprintf(speed, sizeof speed, "%.0f%%", 100 * row->flops / own * 1e-9 / row->peak);
    else if (!row->memory)
        snprintf(speed, sizeof speed, "%.1f", row->batch / own);
    printf("%-6s %-40s %5d %10s %9s", row->task, row->name, row->batch, quantity(text, row, own),
           speed);
    if (row->peer) {
        snprintf(peer, sizeof peer, "%s%s%s", row->peer, row->variant ? " " : "",
                 row->variant ? row->variant : "");
        printf("  %-26s %10s %7.2f  %.2f .. %.2f", peer, quantity(text, row, other), ratio,
               ratios[0], ratios[row->rounds - 1]);
    }
    printf(row->difference > 1e-3 ? "  outputs differ by %.1e\n" : "\n", row->difference);
    fflush(stdout);
}

void print_machine(double *peaks, double *bandwidths, int count, int threads, bool json)
{
    if (count == 0)
        return;
    double peak = median(peaks, count), bandwidth = median(bandwidths, count);
    if (json) {
        printf("{\"kind\": \"machine\", \"threads\": %d, \"measurements\": %d", threads, count);
        print_number("peak_gflops", peak);
        print_number("peak_min", peaks[0]);
        print_number("peak_max", peaks[count - 1]);
        print_number("triad_gb_per_s", bandwidth);
        print_number("triad_min", bandwidths[0]);
        print_number("triad_max", bandwidths[count - 1]);
        printf("}\n");
        return;
    }
    printf("\n%d threads; measured beside the cases, %d times: multiply-add %.1f GFLOP/s "
           "(%.1f .. %.1f),\ntriad of three arrays %.1f GB/s (%.1f .. %.1f)\n",
           threads, count, peak, peaks[0], peaks[count - 1], bandwidth, bandwidths[0],
           bandwidths[count - 1]);
}

void print_missing(const char *peer, const char *why, bool json)
{
    if (json) {
        printf("{\"kind\": \"missing\"");
        print_text("peer", peer);
        print_text("why", why);
        printf("}\n");
    } else
        printf("missing: %s (%s; make bench-deps)\n", peer, why);
}

void print_failed(const char *name, const char *task, int batch, const char *peer, const char *why,
                  bool json)
{
    if (json) {
        print_case("failed", task, name, batch);
        print_text("peer", peer);
        print_text("why", why);
        printf("}\n");
    } else
        printf("%-6s %-40s %5d  %s failed: %s\n", task, name, batch, peer, why);
    fflush(stdout);
}
