/*
 * Every message of an error has a test: the longest part of its format between two conversions
 * stands in what some test expects, or the message is in the list below, with the reason why
 * nothing can bring it about. Read are the sources themselves: what is given to the functions that
 * report, what functions called ..._problem hold, what spec.lua fails with and returns as reasons.
 * Runs in the source folder.
 */
#include "../gen/base.h"

#include <check.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef fail

/* ---- what needs no test ---- */

/* Who reports: the first text among what is given to them is a message. The last two only with
 * stderr. */
static const char *const reporters[] = {"fail",      "fail_at",    "vm_error",  "luaL_error",
                                        "lathe_die", "lathe_fail", "fail_node", "fail_table",
                                        "refuse",    "complain",   "fprintf",   "fputs"};

/* Functions with a printf format that report nothing themselves; bug, whose messages are for those
 * who work on lathe: no spec, file or command brings them about. */
static const char *const others[] = {"text_printf", "arena_printf", "text_vprintf",
                                     "bug",         "fail_va",      "compose_message"};

static const char broken[] =
    "only where lathe is wrong itself: what it generated does not fit what "
    "it generated it from";
static const char fault[] = "by fault injection: an allocation or a system call has to fail";
static const char shadowed[] = "the spec language refuses it before: for graphs made in C alone";
static const char sealed[] = "what reads a file checks its checksum before: a writer of files that "
                             "are no runs, but sealed, would have to";
static const char net[] =
    "a net under arithmetic: no curve that passes the checks is known to fall";
static const char huge[] = "a file of more than 6 TB";
static const char without[] = "for programs that are built without zlib, or without stb_image.h";

/* Messages by a part of theirs, and why they have no test here. */
static const struct {
    const char *part, *reason;
} untested[] = {
    {"out of memory", fault},
    {"cannot wait for a program:", fault},
    {"cannot make a pipe:", fault},
    {"cannot lock", fault},
    {"ends in a part of a line", fault},
    {"compare: the generated program", broken},
    {"compare: a step takes at most", broken},
    {"the generated program has", broken},
    {"the generated program keeps", broken},
    {"outputs for its data, given", broken},
    {"expected input", broken},
    {"for its data's normalisation", broken},
    {"built for inference alone", broken},
    {"the curve is too fine to follow; choose a larger", net},
    {"the table's distance from", net},
    {"needs a slope that no float holds, at x =", net},
    {"momentum must be within 0 .. 1, given", shadowed},
    {"drop must be at least 0 and below 1, given", shadowed},
    {"k must be within 1 ..", shadowed},
    {"residuals, given", shadowed},
    {"color_jitter is for images of 1 or 3 channels, these have", shadowed},
    {"augmentation of images", shadowed},
    {"not a checkpoint: recipe is missing", sealed},
    {"of a run of", sealed},
    {"records are too many", huge},
    {"not a PNM image, and this program was built without stb_image.h", without},
};
enum { UNTESTED = sizeof untested / sizeof *untested };

/* ---- tokens of C, and of Lua as far as strings go ---- */

struct token {
    char kind;        /* 'a': a name or number, '"': a string, else the character itself */
    const char *text; /* of a string: what it stands for, neighbours joined */
    int line;
};

struct tokens {
    VECTOR(struct token) list;
};

static struct arena *arena;

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The character that an escape stands for; *C goes behind it. */
static char escaped(const char **c)
{
    static const char letters[] = "n\nt\tr\r0\0a\ab\bf\fv\v";
    char first = *(*c)++;
    if (first == 'x' || isdigit((unsigned char)first))
        while (isxdigit((unsigned char)**c))
            ++*c;
    for (size_t i = 0; i + 1 < sizeof letters; i += 2)
        if (letters[i] == first)
            return letters[i + 1];
    return first;
}

/* The string that opens at *C; *C goes behind it. */
static char *read_string(const char **c)
{
    struct text text = {0};
    char quote = *(*c)++;
    text_add(&text, "", 0);
    while (**c && **c != quote) {
        char byte = *(*c)++;
        if (byte == '\\')
            byte = escaped(c);
        if (byte)
            text_add(&text, &byte, 1);
    }
    *c += **c == quote;
    char *copy = arena_copy(arena, text.data);
    text_free(&text);
    return copy;
}

/* Add the string TEXT: to the one before, where only a macro of <inttypes.h> or, in Lua, ".." is
 * between them. */
static void add_string(struct tokens *tokens, const char *text, int line, bool lua)
{
    int count = tokens->list.count;
    struct token *last = count ? &tokens->list.items[count - 1] : NULL;
    bool macro = count > 1 && last->kind == 'a' && strncmp(last->text, "PRI", 3) == 0;
    bool joined = lua && count > 2 && last->kind == '.' && last[-1].kind == '.';
    if (macro || joined) {
        tokens->list.count -= joined ? 2 : 1;
        last = &tokens->list.items[tokens->list.count - 1];
    }
    if (last && last->kind == '"' && (!lua || joined))
        last->text = arena_printf(arena, "%s%s%s", last->text, macro ? "d" : "", text);
    else
        vector_push(arena, &tokens->list, ((struct token){'"', text, line}));
}

/* The end of the comment at C, or C where there is none. */
static const char *skip_comment(const char *c, bool lua)
{
    if (lua ? strncmp(c, "--", 2) == 0 : strncmp(c, "//", 2) == 0)
        return c + strcspn(c, "\n");
    if (lua || strncmp(c, "/*", 2) != 0)
        return c;
    const char *end = strstr(c, "*/");
    return end ? end + 2 : c + strlen(c);
}

static struct tokens read_tokens(const char *path)
{
    size_t length;
    struct tokens tokens = {{0}};
    bool lua = strstr(path, ".lua") != NULL;
    int line = 1;
    for (const char *c = read_file(arena, path, &length), *start; *c; c += c == start) {
        start = c;
        line += *c == '\n';
        c = skip_comment(c, lua);
        if (c > start) {
            for (const char *p = start; p < c; p++)
                line += *p == '\n';
        } else if (*c == '"' || *c == '\'') {
            int opened = line;
            bool text = *c == '"' || lua;
            const char *string = read_string(&c);
            if (text)
                add_string(&tokens, string, opened, lua);
        } else if (in_name(*c)) {
            while (in_name(*c))
                c++;
            const char *name = arena_printf(arena, "%.*s", (int)(c - start), start);
            vector_push(arena, &tokens.list, ((struct token){'a', name, line}));
        } else if (!isspace((unsigned char)*c))
            vector_push(arena, &tokens.list, ((struct token){*c, "", line}));
    }
    vector_push(arena, &tokens.list, ((struct token){'\0', "", line}));
    return tokens;
}

/* ---- messages ---- */

struct message {
    const char *path, *format;
    int line;
};
static VECTOR(struct message) messages;

static bool is_name(const struct token *token, const char *name)
{
    return token->kind == 'a' && strcmp(token->text, name) == 0;
}

static bool listed(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}
#define LISTED(name, names) listed((name), (names), sizeof(names) / sizeof *(names))

static void add_message(const char *path, const struct token *token)
{
    struct message message = {path, token->text, token->line};
    vector_push(arena, &messages, message);
}

/* The call whose opening bracket is AT: all texts of the first argument that has some. */
static void add_call(const char *path, const struct token *at)
{
    int depth = 0;
    bool found = false;
    for (const struct token *t = at; t->kind; t++) {
        depth += t->kind == '(' || t->kind == '{' || t->kind == '[';
        depth -= t->kind == ')' || t->kind == '}' || t->kind == ']';
        if (depth == 0 || (found && depth == 1 && t->kind == ','))
            return;
        if (t->kind == '"') {
            add_message(path, t);
            found = true;
        }
    }
}

/* Is there a "stderr" among the arguments of the call at AT? */
static bool says_stderr(const struct token *at)
{
    int depth = 0;
    for (; at->kind; at++) {
        depth += at->kind == '(';
        depth -= at->kind == ')';
        if (is_name(at, "stderr"))
            return true;
        if (depth == 0)
            return false;
    }
    return false;
}

/* What PATH, C, reports. */
static void read_c(const char *path)
{
    if (strcmp(path, "gen/embed.c") == 0) /* a program of lathe's own building */
        return;
    struct tokens tokens = read_tokens(path);
    const char *function = "", *called = "";
    int depth = 0;
    for (int i = 0; i < tokens.list.count - 1; i++) {
        const struct token *t = &tokens.list.items[i];
        if (depth == 0 && t->kind == 'a' && t[1].kind == '(')
            called = t->text;
        if (t->kind == '{' && depth++ == 0)
            function = called;
        depth -= t->kind == '}';
        bool call = depth > 0 && t->kind == 'a' && t[1].kind == '(';
        bool prints = call && (is_name(t, "fprintf") || is_name(t, "fputs"));
        if (call && LISTED(t->text, reporters) && (!prints || says_stderr(t + 1)))
            add_call(path, t + 1);
        else if (depth > 0 && t->kind == '"' && strstr(function, "problem"))
            add_message(path, t);
        else if (is_name(t, "problem") && t[1].kind == '=' && t[2].kind == '"')
            add_message(path, t + 2);
    }
}

/* What spec.lua fails with, and the reasons it returns. */
static void read_lua(const char *path)
{
    struct tokens tokens = read_tokens(path);
    for (int i = 0; i < tokens.list.count - 4; i++) {
        const struct token *t = &tokens.list.items[i];
        if (is_name(t, "fail") && t[1].kind == '(')
            add_call(path, t + 1);
        if (!is_name(t, "return"))
            continue;
        if (is_name(t + 1, "nil") && t[2].kind == ',')
            t += 2;
        if (t[1].kind == '"')
            add_message(path, t + 1);
        else if (is_name(t + 1, "string") && is_name(t + 3, "format"))
            add_call(path, t + 4);
    }
}

/* Every function that takes a printf format either reports, or is known not to. */
static void check_reporters(const char *path)
{
    struct tokens tokens = read_tokens(path);
    for (int i = 2; i < tokens.list.count - 1; i++) {
        const struct token *t = &tokens.list.items[i], *start = t, *name = NULL;
        if (!is_name(t, "printf") || !is_name(t - 2, "format"))
            continue;
        while (start > tokens.list.items && !strchr(";}{", start[-1].kind))
            start--;
        for (; start->kind && !strchr(";{", start->kind) && !name; start++)
            if (start->kind == 'a' && start[1].kind == '(' && strcmp(start->text, "format") != 0 &&
                strcmp(start->text, "__attribute__") != 0)
                name = start;
        ck_assert_msg(name && (LISTED(name->text, reporters) || LISTED(name->text, others)),
                      "%s:%d: %s takes a format: does it report?", path, t->line,
                      name ? name->text : "");
    }
}

/* ---- what tests expect ---- */

static struct text expected;

/* A file without the backslashes of a shell: at lines' ends, and before what is a pattern's. */
static void add_whole(const char *path)
{
    size_t length;
    const char *text = read_file(arena, path, &length);
    for (const char *c = text; *c; c++)
        if (*c != '\\' || !c[1] || !strchr("\n[]*?", c[1]))
            text_add(&expected, c, 1);
        else
            c += c[1] == '\n';
    text_add(&expected, "\n", 1);
}

static void add_strings(const char *path)
{
    if (strstr(path, "check_messages.c"))
        return;
    struct tokens tokens = read_tokens(path);
    for (int i = 0; i < tokens.list.count; i++)
        if (tokens.list.items[i].kind == '"')
            text_printf(&expected, "%s\n", tokens.list.items[i].text);
}

static void each_of(const char *pattern, void (*body)(const char *path))
{
    glob_t found;
    ck_assert_msg(glob(pattern, 0, NULL, &found) == 0, "%s: nothing there", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++)
        body(arena_copy(arena, found.gl_pathv[i]));
    globfree(&found);
}

/* ---- matching ---- */

/* The length of the conversion at C, "%-*s"; 0: it is none. */
static size_t conversion(const char *c)
{
    if (*c != '%')
        return 0;
    size_t length = 1 + strspn(c + 1, "-+ #0123456789.*hlzjt");
    return c[length] ? length + 1 : length;
}

/* The longest part of FORMAT between conversions, without blanks around it. */
static const char *longest_part(const char *format)
{
    const char *best = format, *start = format;
    size_t most = 0;
    for (const char *c = format;; c++) {
        size_t skip = conversion(c);
        if (*c && !skip && *c != '\n')
            continue;
        start += strspn(start, " :,;'()"); /* what stands before a test's part of it */
        size_t length = c > start ? (size_t)(c - start) : 0;
        while (length && start[length - 1] == ' ')
            length--;
        if (length > most) {
            best = start;
            most = length;
        }
        if (!*c)
            return arena_printf(arena, "%.*s", (int)most, best);
        c += skip ? skip - 1 : 0;
        start = c + 1;
    }
}

enum { SHORTEST = 6 }; /* letters of a part that says something */

static void set_up(void)
{
    arena = arena_new();
    each_of("gen/*.c", read_c);
    each_of("gen/op/*.c", read_c);
    each_of("runtime/*.c", read_c);
    each_of("gen/spec.lua", read_lua);
    each_of("tests/*.c", add_strings);
    each_of("tests/*/*.expected", add_whole);
    each_of("tests/*.sh", add_whole);
}

static void tear_down(void)
{
    text_free(&expected);
    arena_free(arena);
}

static const char *reason_for(const char *part)
{
    for (int i = 0; i < UNTESTED; i++)
        if (strstr(part, untested[i].part))
            return untested[i].reason;
    return NULL;
}

START_TEST(every_message_is_expected)
{
    int lacking = 0;
    for (int i = 0; i < messages.count; i++) {
        const struct message *m = &messages.items[i];
        const char *part = longest_part(m->format);
        if (strlen(part) < SHORTEST || strstr(expected.data, part) || reason_for(part))
            continue;
        printf("%s:%d: no test expects: %s\n", m->path, m->line, part);
        lacking++;
    }
    fflush(stdout); /* Check ends this process at once where it fails */
    ck_assert_msg(lacking == 0, "%d of %d messages are in no test", lacking, messages.count);
    ck_assert_int_gt(messages.count, 400);
}
END_TEST

START_TEST(what_is_listed_is_there)
{
    for (int i = 0; i < UNTESTED; i++) {
        bool there = false;
        for (int j = 0; j < messages.count; j++)
            there |= strstr(longest_part(messages.items[j].format), untested[i].part) != NULL;
        ck_assert_msg(there, "no message has '%s' any more", untested[i].part);
    }
}
END_TEST

START_TEST(who_takes_a_format_is_known)
{
    each_of("gen/*.[ch]", check_reporters);
    each_of("gen/op/*.[ch]", check_reporters);
    each_of("runtime/*.[ch]", check_reporters);
}
END_TEST

Suite *messages_suite(void);

Suite *messages_suite(void)
{
    Suite *suite = suite_create("messages");
    TCase *tests = tcase_create("messages");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_message_is_expected);
    tcase_add_test(tests, what_is_listed_is_there);
    tcase_add_test(tests, who_takes_a_format_is_known);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(messages_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
