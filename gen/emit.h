/*
 * emit: programs to files. Renders each call's kernel through its template, once a signature, and
 * the files that hold them. Floor 3 of the generator.
 */
#ifndef LATHE_EMIT_H
#define LATHE_EMIT_H

#include "passes.h"
#include "program.h"
#include "sha256.h"

struct emission {
    const struct network *network;
    const struct program *infer; /* forward, folded */
    const struct program *train; /* NULL: the spec trains nothing */
    const char *cc;              /* the compiler's name, for the Makefile */
    enum curves curves;          /* what became of Dynamic curves, for the provenance */
    bool verify;                 /* list the training step's tensors */
    size_t part_bytes;     /* kernels of more than this are spread over files of about this size */
    const char *weights;   /* path of weights to embed into infer; NULL: none */
    struct sha256 *digest; /* not NULL: write nothing, add what is rendered to this */
};

/* What emission made: files of a folder, which are not written yet. */
struct emitted {
    VECTOR(struct output) files;
};

/* Render (unless the emission has a digest: into that) what FOLDER is to hold: NAME.h,
 * NAME_model.c, NAME_infer.c, NAME_train.c, kernels of these two where they are long, the two
 * mains, Makefile, runtime/. Writes nothing. */
struct emitted emit(struct arena *arena, const struct emission *emission, const char *folder);

/* Write FILES into FOLDER, with the weights to embed, the file WEIGHTS (NULL: none). Files that
 * hold the same bytes already are left alone. */
void emit_write(struct arena *arena, struct emitted *files, const char *weights,
                const char *folder);

/* emit_wrap.c: append TEXT, C, to OUT with its lines broken to at most 100 columns, where blanks
 * allow that; preprocessor lines stay as they are. */
void emit_wrap(const char *text, size_t length, struct text *out);

/* TEXT for the inside of a string and of a comment of C, where it reads as it is: the one way for
 * text of a spec, whatever it holds, into generated files. */
char *c_text(struct arena *arena, const char *text);

/* NAME as an identifier of C: what is not a letter or digit becomes '_'. */
char *identifier(struct arena *arena, const char *name);

#endif
