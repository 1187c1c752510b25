/*
 * table: ours beside each peer that is found, same work, by turns.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "../../gen/base.h"

/*
 * WORDS: [--json] [--spec TASK SPEC BATCH] [PATTERN ...]. Without patterns all cases; else those
 * whose "TASK NAME BATCH" has one of them in it, where * stands for anything. --spec: this spec
 * instead of the cases; TASK is train, infer, memory or layers. BENCH is this program's own path.
 *
 * Everything runs in processes of its own (serve.h), each with as many threads as this one would
 * have. A case warms each process up, takes each peer's fastest variant, and then goes round, ours
 * first, so many runs a turn that it lasts a tenth of a second: at least 7 rounds, and up to 31 for
 * 4 seconds. The ratio of a round is the peer's time over ours; the table has the median and the
 * range. Peers that are not there are named in the end.
 */
void table(struct arena *arena, const char *bench, char **words, int count);

#endif
