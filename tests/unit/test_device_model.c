/* Random calls on a small device, each compared with the exact ledger in ledger.c. FREEHOLD_OPS
 * sets how many there are in all, FREEHOLD_SEED which. */

#include "card_checks.h"

#include "ledger.h"

static uint64_t draw(void *context, uint64_t below)
{
    return test_below(context, below);
}

static void devices_agree_with_the_ledger(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    const ledger_source source = {draw, &rng};
    uint64_t operations = test_operations(60000);
    ledger *l = test_calloc(1, sizeof *l);
    for (uint64_t done = 0, device = 0; done < operations; device++) {
        uint64_t length = test_log_uniform(&rng, 8000);
        bool wild = device % 2 == 1;
        const char *fault = ledger_open(l, NULL);
        for (uint64_t i = 0; i < length && fault == NULL; i++, done++) {
            fault = ledger_step(l, &source, wild);
            if (fault != NULL) {
                fail_msg("device %llu, step %llu: %s", (unsigned long long)device,
                         (unsigned long long)i, fault);
            }
        }
        CHECK_NO_FAULT(fault);
        CHECK_NO_FAULT(ledger_close(l));
    }
    test_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_agree_with_the_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
