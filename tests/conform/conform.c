/* The list of all tests, run against one target. */

#include "conform.h"

#include "rig.h"

#include <stdio.h>

int conform_run(const conform_target *target)
{
    /* cmocka passes it on unchanged; the tests read it only. */
    void *state = (void *)(uintptr_t)target;
    struct CMUnitTest tests[] = {
#define CONFORM_TEST(name) cmocka_unit_test_prestate(name, state),
        CONFORM_MEMORY_TESTS(CONFORM_TEST) CONFORM_COPY_TESTS(CONFORM_TEST)
            CONFORM_TEXTURE_TESTS(CONFORM_TEST)
#undef CONFORM_TEST
    };
    fprintf(stderr, "conformance of %s\n", target->name);
    return cmocka_run_group_tests_name(target->name, tests, NULL, NULL);
}
