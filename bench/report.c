#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void bench_report_workload(const bench_workload *workload, double floor_ns)
{
    printf("\n%s: %s; %zu pairs, at most %" PRIu32 " live, harness floor %.1f ns a pair\n",
           workload->desc->name, workload->desc->title, workload->alloc_count, workload->slot_count,
           floor_ns);
    printf("  %-19s | %7s  %15s  %7s | %8s | %8s | %7s | %8s\n", "target", "pair ns", "p10 - p90",
           "min", "alloc ns", "free ns", "x libc", "refused");
}

/* 0 = not measured */
static void print_known(double value, int width, int places)
{
    if (value != 0) {
        printf(" | %*.*f", width, places, value);
    } else {
        printf(" | %*s", width, "-");
    }
}

void bench_report_row(const bench_result *result)
{
    printf("  %-19s | %7.1f  %6.1f - %6.1f  %7.1f", result->target->name, result->pair.median,
           result->pair.p10, result->pair.p90, result->pair.min);
    print_known(result->alloc.median, 8, 1);
    print_known(result->free.median, 8, 1);
    print_known(result->ratio, 7, 3);
    printf(" | %8" PRIu64 "\n", result->refused);
    fflush(stdout);
}

void bench_report_space(const bench_result *results, size_t count)
{
    bool headed = false;
    for (size_t i = 0; i < count; i++) {
        if (results[i].space > 0) {
            if (!headed) {
                printf(
                    "\nspace: smallest block that replays without a refusal / peak of live bytes,\n"
                    "by bisection: mean over several sequences, and lowest-highest\n");
                headed = true;
            }
            printf("  %-4s %-22s %8.3f %8.3f-%5.3f\n", results[i].workload->name,
                   results[i].target->name, results[i].space, results[i].space_min,
                   results[i].space_max);
        }
    }
}

bool bench_report_finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return true;
    }
    fprintf(stderr, "bench: the output could not be written\n");
    return false;
}

static void write_summary(FILE *file, const char *name, const bench_summary *summary)
{
    fprintf(file, ", \"%s\": {\"median\": %.3f, \"p10\": %.3f, \"p90\": %.3f, \"min\": %.3f}", name,
            summary->median, summary->p10, summary->p90, summary->min);
}

bool bench_report_json(const char *path, const bench_options *options, const bench_result *results,
                       size_t count)
{
    FILE *file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    fprintf(file, "{\"unit\": \"ns\", \"runs\": %u, \"quick\": %s, \"results\": [",
            options->run_count, options->quick ? "true" : "false");
    for (size_t i = 0; i < count; i++) {
        const bench_result *result = &results[i];
        fprintf(file, "%s\n  {\"workload\": \"%s\", \"title\": \"%s\", \"target\": \"%s\"",
                i > 0 ? "," : "", result->workload->name, result->workload->title,
                result->target->name);
        if (result->timed) {
            write_summary(file, "pair", &result->pair);
            if (!options->no_split) {
                write_summary(file, "alloc", &result->alloc);
                write_summary(file, "free", &result->free);
            }
            fprintf(file, ", \"pairs\": %zu, \"floor\": %.3f, \"refused\": %" PRIu64,
                    result->pair_count, result->floor, result->refused);
        }
        if (result->ratio > 0) {
            fprintf(file, ", \"ratio_to_libc\": %.4f", result->ratio);
        }
        if (result->space > 0) {
            fprintf(file, ", \"space\": {\"mean\": %.4f, \"min\": %.3f, \"max\": %.3f}",
                    result->space, result->space_min, result->space_max);
        }
        fprintf(file, "}");
    }
    fprintf(file, "\n]}\n");
    bool written = !ferror(file);
    written = fclose(file) == 0 && written;
    if (!written) {
        fprintf(stderr, "bench: %s could not be written\n", path);
    }
    return written;
}
