#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void bench_report_workload(const bench_suite *suite, const bench_workload *workload,
                           double floor_ns)
{
    char ratio[16];
    snprintf(ratio, sizeof ratio, "x %s", suite->reference_name);
    printf("\n%s: %s; %zu pairs, at most %" PRIu32 " live, harness floor %.1f ns a pair\n",
           workload->desc->name, workload->desc->title, workload->alloc_count, workload->slot_count,
           floor_ns);
    printf("  %-19s | %7s  %15s  %7s | %8s | %8s | %7s | %8s\n", "target", "pair ns", "p10 - p90",
           "min", "alloc ns", "free ns", ratio, "refused");
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

void bench_report_space(const bench_results *results)
{
    bool headed = false;
    for (const bench_result *result = results->rows; result < results->rows + results->count;
         result++) {
        if (result->space > 0) {
            if (!headed) {
                printf(
                    "\nspace: smallest block that replays without a refusal / peak of live bytes,\n"
                    "by bisection: mean over several sequences, and lowest-highest\n");
                headed = true;
            }
            printf("  %-4s %-22s %8.3f %8.3f-%5.3f\n", result->workload->name, result->target->name,
                   result->space, result->space_min, result->space_max);
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

bool bench_json_begin(bench_json *json, const bench_options *options)
{
    *json = (bench_json){.path = options->json, .file = fopen(options->json, "w")};
    if (!json->file) {
        fprintf(stderr, "bench: %s: %s\n", json->path, strerror(errno));
        return false;
    }
    fprintf(json->file, "{\"unit\": \"ns\", \"runs\": %u, \"quick\": %s", options->run_count,
            options->quick ? "true" : "false");
    return true;
}

void bench_json_summary(bench_json *json, const char *name, const bench_summary *summary)
{
    fprintf(json->file, ", \"%s\": {\"median\": %.3f, \"p10\": %.3f, \"p90\": %.3f, \"min\": %.3f}",
            name, summary->median, summary->p10, summary->p90, summary->min);
}

static void write_result(bench_json *json, const bench_suite *suite, const bench_options *options,
                         const bench_result *result)
{
    FILE *file = json->file;
    fprintf(file, "{\"workload\": \"%s\", \"title\": \"%s\", \"target\": \"%s\"",
            result->workload->name, result->workload->title, result->target->name);
    if (result->timed) {
        bench_json_summary(json, "pair", &result->pair);
        if (!options->no_split) {
            bench_json_summary(json, "alloc", &result->alloc);
            bench_json_summary(json, "free", &result->free);
        }
        fprintf(file, ", \"pairs\": %zu, \"floor\": %.3f, \"refused\": %" PRIu64,
                result->pair_count, result->floor, result->refused);
    }
    if (result->ratio > 0) {
        fprintf(file, ", \"ratio_to_%s\": %.4f", suite->reference_name, result->ratio);
    }
    if (result->space > 0) {
        fprintf(file, ", \"space\": {\"mean\": %.4f, \"min\": %.3f, \"max\": %.3f}", result->space,
                result->space_min, result->space_max);
    }
    fprintf(file, "}");
}

void bench_json_results(bench_json *json, const bench_suite *suite, const bench_options *options,
                        const bench_results *results)
{
    if (!json->file) {
        return;
    }
    fprintf(json->file, ", \"results\": [");
    for (size_t i = 0; i < results->count; i++) {
        fprintf(json->file, "%s\n  ", i > 0 ? "," : "");
        write_result(json, suite, options, &results->rows[i]);
    }
    fprintf(json->file, "\n]");
}

bool bench_json_end(bench_json *json)
{
    if (!json->file) {
        return false;
    }
    fprintf(json->file, "}\n");
    bool written = !ferror(json->file);
    written = fclose(json->file) == 0 && written;
    if (!written) {
        fprintf(stderr, "bench: %s could not be written\n", json->path);
    }
    return written;
}
