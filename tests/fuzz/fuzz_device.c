/* libFuzzer target: the bytes are a stream of calls on a small device, right and wrong ones, with
 * scripted faults, host memory that fails and devices that are lost, each compared with the exact
 * ledger of tests/unit/ledger.c. Linked with tests/unit's shared files; needs no cmocka.
 *
 * The stream: a choice among n takes one byte where n is at most 256, two where it is at most
 * 65536, else four, the lowest first, modulo n; none where n is 1. The first choice of each step
 * is the call. The stream ends with the bytes. */

#include "unit/ledger.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STEPS_MAX = 300
};

typedef struct input {
    const uint8_t *at, *end;
} input;

static uint64_t take(void *context, uint64_t below)
{
    input *in = context;
    uint32_t bytes = below <= 1 ? 0 : below <= 256 ? 1 : below <= 65536 ? 2 : 4;
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes && in->at < in->end; i++) {
        value |= (uint64_t)*in->at++ << (8 * i);
    }
    return below == 0 ? 0 : value % below;
}

static void stop(const char *when, const char *fault)
{
    if (fault != NULL) {
        fprintf(stderr, "%s: %s\n", when, fault);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    static ledger l;
    input in = {data, data + length};
    const ledger_source source = {take, &in};
    stop("open", ledger_open(&l, NULL));
    for (int i = 0; i < STEPS_MAX && in.at < in.end; i++) {
        stop("step", ledger_step(&l, &source, true));
    }
    stop("close", ledger_close(&l));
    return 0;
}
