#include "run.h"

#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 10000

static void print_help(const char *program, const bench_suite *suite)
{
    printf("usage: %s [options]\n%s\n\n", program, suite->summary);
    printf("  --workload LIST   names or beginnings of names, separated by commas (default: all)\n"
           "  --target LIST     the same (default: all)\n");
    if (suite->figures) {
        printf("  --figure LIST     the same (default: all; with one of those above, pairs)\n");
    }
    printf("  --runs N          repetitions, of which the median is shown (default: 11)\n"
           "  --quick           a tenth of the operations, 5 runs\n"
           "  --json FILE       write the results to FILE, too\n"
           "  --no-split        do not measure allocations and frees apart\n");
    if (suite->space) {
        printf("  --no-space        do not look for the smallest block\n"
               "  --space           look for the smallest block only\n");
    }
    printf(
        "  --no-warmup       count the first run, too\n"
        "  --only-replay     replay and measure nothing, for profilers; the function that matters\n"
        "                    is bench_replay\n"
        "  --help            this text\n\nworkloads:\n");
    for (const bench_workload_desc *desc = suite->workloads; desc->name; desc++) {
        printf("  %-4s %s\n", desc->name, desc->title);
    }
    printf("\ntargets:\n");
    for (const bench_target *const *target = suite->targets; *target; target++) {
        printf("  %s\n", (*target)->name);
    }
    if (suite->figures) {
        printf("\nfigures:\n");
        for (const char *const *figure = suite->figures; *figure; figure++) {
            printf("  %s\n", *figure);
        }
    }
}

bool bench_selected(const char *list, const char *name)
{
    while (list) {
        size_t length = strcspn(list, ",");
        if (length > 0 && strncmp(list, name, length) == 0) {
            return true;
        }
        if (list[length] == '\0') {
            return false;
        }
        list += length + 1;
    }
    return true;
}

/* The names that the entries of a list may stand for, by position; NULL behind the last. */
typedef const char *(*name_fn)(const bench_suite *suite, size_t i);

static const char *workload_name(const bench_suite *suite, size_t i)
{
    return suite->workloads[i].name;
}

static const char *target_name(const bench_suite *suite, size_t i)
{
    return suite->targets[i] ? suite->targets[i]->name : NULL;
}

static const char *figure_name(const bench_suite *suite, size_t i)
{
    return suite->figures[i];
}

/* Whether each entry of the list begins a name. Complains about the first that does not: left out
 * silently, it would be missed only after the figures were looked at. */
static bool check_list(const char *program, const char *option, const char *list, name_fn name_at,
                       const bench_suite *suite)
{
    while (list) {
        size_t length = strcspn(list, ",");
        bool known = false;
        for (size_t i = 0; length > 0 && name_at(suite, i); i++) {
            known = known || strncmp(list, name_at(suite, i), length) == 0;
        }
        if (!known) {
            fprintf(stderr, "%s: %s: '%.*s' begins no name. There are:", program, option,
                    (int)length, list);
            for (size_t i = 0; name_at(suite, i); i++) {
                fprintf(stderr, "%s %s", i > 0 ? "," : "", name_at(suite, i));
            }
            fprintf(stderr, ".\n");
            return false;
        }
        list = list[length] == ',' ? list + length + 1 : NULL;
    }
    return true;
}

/* Options without a value. */
static bool *find_flag(bench_options *options, const char *argument, const bench_suite *suite)
{
    const struct {
        const char *name;
        bool *flag;
        bool there;
    } flags[] = {{"--quick", &options->quick, true},
                 {"--no-warmup", &options->no_warmup, true},
                 {"--only-replay", &options->only_replay, true},
                 {"--no-split", &options->no_split, true},
                 {"--no-space", &options->no_space, suite->space},
                 {"--space", &options->no_time, suite->space}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].there && strcmp(argument, flags[i].name) == 0) {
            return flags[i].flag;
        }
    }
    return NULL;
}

/* Options with a value; false: none of them, or a wrong value. */
static bool take_value(bench_options *options, const char *argument, const char *value,
                       const bench_suite *suite)
{
    if (strcmp(argument, "--workload") == 0) {
        options->workloads = value;
    } else if (strcmp(argument, "--target") == 0) {
        options->targets = value;
    } else if (suite->figures && strcmp(argument, "--figure") == 0) {
        options->figures = value;
    } else if (strcmp(argument, "--json") == 0) {
        options->json = value;
    } else if (strcmp(argument, "--runs") == 0) {
        char *end;
        unsigned long count = strtoul(value, &end, 10);
        options->run_count = (unsigned)count;
        return *end == '\0' && count > 0 && count <= RUNS_MAX;
    } else {
        return false;
    }
    return true;
}

bench_parsed bench_options_parse(bench_options *options, int argc, char **argv,
                                 const bench_suite *suite)
{
    *options = (bench_options){.run_count = 0};
    for (int i = 1; i < argc && argv[i]; i++) {
        bool *flag = find_flag(options, argv[i], suite);
        if (strcmp(argv[i], "--help") == 0) {
            print_help(argv[0], suite);
            return bench_report_finish() ? BENCH_PARSED_HELP : BENCH_PARSED_WRONG;
        }
        if (flag) {
            *flag = true;
        } else if (i + 1 < argc && argv[i + 1] &&
                   take_value(options, argv[i], argv[i + 1], suite)) {
            i++;
        } else {
            fprintf(stderr, "%s: %s: unknown, or its value is missing or wrong; see --help\n",
                    argv[0], argv[i]);
            return BENCH_PARSED_WRONG;
        }
    }
    if (!check_list(argv[0], "--workload", options->workloads, workload_name, suite) ||
        !check_list(argv[0], "--target", options->targets, target_name, suite) ||
        !check_list(argv[0], "--figure", options->figures, figure_name, suite)) {
        return BENCH_PARSED_WRONG;
    }
    if (options->run_count == 0) {
        options->run_count = options->quick ? 5 : 11;
    }
    return BENCH_PARSED_OK;
}
