/* A Vulkan program for the recording layer to be tried on.
 *
 *     vulkan_program [WORD...]
 *
 * Words are done in their order:
 *     api=1.0       by Vulkan 1.0 and its extensions, not by 1.2
 *     validate      with the validation layer, and its errors counted
 *     probe         makes an instance and ends it, before the one for the scenes
 *     instances     makes a second instance beside it, with a device at work
 *     child=WORD    runs itself with that word, and waits for it
 *     arguments     prints what comes after it, one a line, and ends
 *     environment   prints whether the layer's variables are set
 *     SCENE         any of scenes.h
 *     exit=N        ends with that code, at once; crash=N: by that signal; hang: by any
 * Without one of the last it ends with 0, or with 3 where there were validation errors. */

#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier) */

#include "scenes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCENES(X)                                                                                  \
    X(memory)                                                                                      \
    X(alias)                                                                                       \
    X(transfer)                                                                                    \
    X(compute)                                                                                     \
    X(secondary)                                                                                   \
    X(render)                                                                                      \
    X(timeline)                                                                                    \
    X(address)                                                                                     \
    X(devices)                                                                                     \
    X(threads)                                                                                     \
    X(refused)                                                                                     \
    X(seen)                                                                                        \
    X(mistake)                                                                                     \
    X(leak)

typedef void scene_function(test_gpu *gpu);

static scene_function *find_scene(const char *name)
{
#define IS_SCENE(word)                                                                             \
    if (strcmp(name, #word) == 0) {                                                                \
        return scene_##word;                                                                       \
    }
    SCENES(IS_SCENE)
#undef IS_SCENE
    return NULL;
}

/* What comes after `prefix` in `word`; NULL: it does not begin so. */
static const char *after(const char *word, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(word, prefix, length) == 0 ? word + length : NULL;
}

static void run_child(char *program, const char *word)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char copy[64];
        snprintf(copy, sizeof copy, "%s", word);
        execv(program, (char *[]){program, copy, NULL});
        _exit(11);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("child: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

typedef struct state {
    test_gpu gpu;
    gpu_options options;
    bool is_open;
} state;

static void open_once(state *program)
{
    if (!program->is_open) {
        gpu_open(&program->gpu, program->options);
        program->is_open = true;
    }
}

/* False: there is no such word. */
static bool run_word(state *program, char *name, const char *word)
{
    scene_function *scene = find_scene(word);
    const char *value;
    if (scene != NULL) {
        open_once(program);
        scene(&program->gpu);
    } else if (strcmp(word, "api=1.0") == 0) {
        program->options.api_version = VK_API_VERSION_1_0;
    } else if (strcmp(word, "validate") == 0) {
        program->options.validate = true;
    } else if (strcmp(word, "probe") == 0) {
        test_gpu probe;
        gpu_open(&probe, program->options);
        gpu_close(&probe);
    } else if (strcmp(word, "instances") == 0) {
        test_gpu other;
        open_once(program);
        gpu_open(&other, program->options);
        scene_compute(&other);
        scene_compute(&program->gpu);
        gpu_close(&other);
    } else if (strcmp(word, "environment") == 0) {
        printf("environment: %s\n", getenv("FREEHOLD_RECORD_FILE") ? "set" : "not set");
    } else if (strcmp(word, "hang") == 0) {
        open_once(program);
        alarm(120);
        for (;;) {
            pause();
        }
    } else if ((value = after(word, "child=")) != NULL) {
        run_child(name, value);
    } else if ((value = after(word, "exit=")) != NULL) {
        exit((int)strtol(value, NULL, 10));
    } else if ((value = after(word, "crash=")) != NULL) {
        int number = (int)strtol(value, NULL, 10);
        fflush(stdout);
        signal(number, SIG_DFL); /* sanitizers have plans of their own */
        raise(number);
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static state program;
    /* Whoever started this may have told it to take no notice of Ctrl-C. */
    signal(SIGINT, SIG_DFL);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "arguments") == 0) {
            while (++i < argc) {
                printf("<%s>\n", argv[i]);
            }
        } else if (!run_word(&program, argv[0], argv[i])) {
            fprintf(stderr, "I do not know '%s'\n", argv[i]);
            return 12;
        }
    }
    if (program.is_open) {
        gpu_close(&program.gpu);
    }
    if (program.options.validate) {
        printf("validation errors: %u\n", program.gpu.error_count);
    }
    return program.gpu.error_count > 0 ? 3 : 0;
}
