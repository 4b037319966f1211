/* bench_block: Freehold's blocks next to the C library's allocator. See --help. */

#include "run.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    bench_options options;
    switch (bench_options_parse(&options, argc, argv, bench_targets)) {
    case BENCH_PARSED_HELP:
        return EXIT_SUCCESS;
    case BENCH_PARSED_WRONG:
        return EXIT_FAILURE;
    case BENCH_PARSED_OK:
        break;
    }
    return bench_run(bench_targets, &options);
}
