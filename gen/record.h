/*
 * record: a folder that remembers: what it is of, so that nothing else is mixed into it, and a file
 * of JSON lines that grows by one whenever something is over. Floor 3 of the generator.
 */
#ifndef LATHE_RECORD_H
#define LATHE_RECORD_H

#include "base.h"

/* Something that makes FOLDER what it is: a field of its JSON file and how a message names it ("a
 * sweep with --epochs"). VALUE is JSON: a number, a text in quotes, a list of one line. */
struct trait {
    const char *name, *said, *value;
};

/* JSON for a trait: TEXT in quotes; NUMBER, or "" where it is 0, which stands for none. */
const char *trait_text(struct arena *arena, const char *text);
const char *trait_number(struct arena *arena, int64_t number);

/* FOLDER/FILE says that FOLDER is of these traits; fails (STATUS_USER) where it says otherwise.
 * Returns false, having written nothing, where there is no FILE yet. */
bool record_is_ours(struct arena *arena, const char *folder, const char *file,
                    const struct trait *traits, int count);
/* Write FOLDER/FILE. */
void record_claim(struct arena *arena, const char *folder, const char *file,
                  const struct trait *traits, int count);

/* Have FOLDER/FILE locked as long as this process lives; where INHERITED, as long as a program that
 * it starts from now on does. Returns whether it could be had at once; where WAIT, waits for it,
 * else it is not had. */
bool record_lock(struct arena *arena, const char *folder, const char *file, bool inherited,
                 bool wait);

/* Open the lines at PATH to append to, a line that was not written whole cut off. TAKE gets those
 * that are there, each as a text of its own. Returns the descriptor. */
int record_open(struct arena *arena, const char *path,
                void (*take)(void *context, const char *line), void *context);
/* Append LINE, which ends in a newline, and have it on the disk. */
void record_append(int descriptor, const char *path, const struct text *line);

#endif
