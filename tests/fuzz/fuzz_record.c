/* Lines that lathe and its programs write and read back: trials and sweeps, logs; and what a report
 * makes of folders that have them. */
#include "fuzz.h"

#include "../../gen/json.h"
#include "../../gen/outcome.h"
#include "../../gen/record.h"
#include "../../gen/report_parts.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static void take_line(void *context, const char *line)
{
    struct arena *arena = context;
    double *numbers, number = json_number(arena, line, "score");
    int count = json_numbers(arena, line, "losses", &numbers);
    for (int i = 0; i < count; i++)
        fuzz_claim(isnan(numbers[i]) || numbers[i] <= (double)INFINITY);
    fuzz_claim(isnan(number) || number <= (double)INFINITY);
    fuzz_claim(json_whole(arena, line, "jobs") >= 0);
    fuzz_claim(strlen(json_text(arena, line, "id")) <= strlen(line));
}

static void read_record(struct arena *arena)
{
    static const struct trait traits[] = {{"epochs", "a run with --epochs", "3"},
                                          {"spec", "a run of", "\"net.lua\""}};
    enum { MOST = 5 };
    close(record_open(arena, fuzz_path("file"), take_line, arena));
    struct run_log log = read_run_log(arena, fuzz_path("file"), MOST);
    fuzz_claim(log.epochs >= 0 && log.epochs <= MOST);
    record_is_ours(arena, fuzz_folder(), "file", traits, 2);
}

/* A folder with this is a search's. */
void fuzz_set_up(void)
{
    fuzz_put_text("fit.json", "{\"method\": \"grid\", \"nodes\": [\"act1\"]}\n");
}

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    static const char *const names[] = {"file",         "log.jsonl",   "sweep.jsonl",
                                        "trials.jsonl", "judge.jsonl", "compare.json"};
    enum { NAMES = sizeof names / sizeof *names };
    static unsigned before;
    struct arena *arena = arena_new();
    unsigned choice = fuzz_choose(&bytes, &count, NAMES);
    unlink(fuzz_path(names[before]));
    before = choice;
    fuzz_put(names[choice], bytes, count);
    if (!choice)
        read_record(arena);
    else
        read_book(arena, (const char *const[]){fuzz_folder()}, 1);
    arena_free(arena);
}
