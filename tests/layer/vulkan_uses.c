/* Uses resources in every way that a command buffer can, and says after each submit what it used
 * (uses_rig.h): record_uses_spec.lua compares that with what the layer recorded.
 *
 *   vulkan_uses [--validate] [--bindless] [TEST…]
 *
 * --bindless: also what lavapipe does but says it cannot, so that there is no validation of it.
 * The exit code is 1 when the validation layer complained. */

#include "uses_rig.h"

#include <string.h>

static bool is_wanted(const fhi_rig_test *test, bool bindless, int count, char **names)
{
    if (test->when == RIG_UNVALIDATED && !bindless) {
        return false;
    }
    bool all = true;
    for (int i = 0; i < count; i++) {
        if (strncmp(names[i], "--", 2) != 0) {
            if (strcmp(names[i], test->name) == 0) {
                return true;
            }
            all = false;
        }
    }
    return all;
}

static bool has_option(int count, char **words, const char *option)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], option) == 0) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    static fhi_rig rig;
    static const fhi_rig_test *const lists[] = {
        fhi_rig_descriptor_tests,
        fhi_rig_drawing_tests,
        fhi_rig_copy_tests,
        fhi_rig_command_tests,
    };
    bool bindless = has_option(argc, argv, "--bindless");
    fhi_rig_open(&rig, has_option(argc, argv, "--validate"));
    for (uint32_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const fhi_rig_test *test = lists[i]; test->name != NULL; test++) {
            if (is_wanted(test, bindless, argc - 1, argv + 1)) {
                rig.test = test->name;
                test->run(&rig);
            }
        }
    }
    rig.test = "close";
    return fhi_rig_close(&rig) == 0 ? 0 : 1;
}
