/* The engine of libfreehold: in a library of its own, so that a program that loads no policy needs
 * no Lua, and one that has a Lua, of whatever version, never sees ours.
 *
 * The library is opened whenever a policy is loaded, and never closed: all openings but the first
 * only count, which is the one thing kept about it that lives longer than a call, and the system
 * keeps it. So there is neither a global of ours nor a lock. Closing it would give some 200 KB back
 * to a program that could load the next policy at any moment, and in exchange ask who may still be
 * running in there.
 *
 * It is looked for beside the code that this is linked into, be it libfreehold.so.0, a plug-in or
 * the program, which is where it comes from when both were installed or built together; then in
 * ../lib of that, for programs in bin/; only then where the system looks. The first one found has
 * to do: if it is broken or of another version, the next one would hide that. */

#include "script/open.h"

#include "base/error.h"
#include "base/library.h"

#include <stdio.h>
#include <string.h>

#define LIBRARY FHI_LIBRARY_FILE("freehold_script")

enum {
    PATH_SIZE = 4096,
    WHY_SIZE = 256
};

/* Takes the engine out of an open library, which `path` is called in the sentence. */
static fh_result look_inside(void *library, const char *path, const fhi_engine **out_engine)
{
    fhi_engine_entry entry = (fhi_engine_entry)fhi_library_find(library, FHI_ENGINE_ENTRY);
    const fhi_engine *engine = entry ? entry(FHI_ENGINE_ABI) : NULL;
    if (engine && strcmp(engine->version, FH_VERSION_STRING) == 0) {
        *out_engine = engine;
        return FH_OK;
    }
    fhi_library_close(library);
    return fhi_fail_print(FH_ERR_UNSUPPORTED,
                          "the %s that was found is of another Freehold than " FH_VERSION_STRING
                          ", which this is: install both from one build (%s)",
                          LIBRARY, path);
}

/* The library at `path`, if there is a file. False: there is none, and nothing was said. */
static bool open_file(const char *path, const fhi_engine **out_engine, fh_result *out_result)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    fclose(file);
    char why[WHY_SIZE];
    void *library = fhi_library_open(path, why, sizeof why);
    *out_result = library ? look_inside(library, path, out_engine)
                          : fhi_fail_print(FH_ERR_UNSUPPORTED,
                                           "%s was found, and cannot be opened; it needs the "
                                           "library of Lua 5.4: %s",
                                           LIBRARY, why);
    return true;
}

/* The library that the system finds; `folder` is where we have looked. */
static fh_result open_anywhere(const char *folder, const fhi_engine **out_engine)
{
    char why[WHY_SIZE];
    void *library = fhi_library_open(LIBRARY, why, sizeof why);
    if (library) {
        return look_inside(library, "where the system looks", out_engine);
    }
    /* The system names what it did not find first: this one, or one that this one needs. */
    if (strncmp(why, LIBRARY, strlen(LIBRARY)) != 0) {
        return fhi_fail_print(FH_ERR_UNSUPPORTED, "%s cannot be opened: %s", LIBRARY, why);
    }
    if (!*folder) {
        return fhi_fail_print(FH_ERR_UNSUPPORTED,
                              "policies need %s: install it, or name its folder in "
                              "%s. The system did not find it",
                              LIBRARY, FHI_LIBRARY_VARIABLE);
    }
    return fhi_fail_print(FH_ERR_UNSUPPORTED,
                          "policies need %s: install it, or name its folder in %s. It is "
                          "neither where the system looks, nor in %s, nor in ../lib from there",
                          LIBRARY, FHI_LIBRARY_VARIABLE, folder);
}

fh_result fhi_engine_open(const fhi_engine **out_engine)
{
    *out_engine = NULL;
    char folder[PATH_SIZE], path[PATH_SIZE + sizeof "/../lib/" LIBRARY];
    fh_result result;
    if (fhi_library_folder((fhi_library_function)fhi_engine_open, folder, sizeof folder)) {
        snprintf(path, sizeof path, "%s/" LIBRARY, folder);
        if (open_file(path, out_engine, &result)) {
            return result;
        }
        snprintf(path, sizeof path, "%s/../lib/" LIBRARY, folder);
        if (open_file(path, out_engine, &result)) {
            return result;
        }
    }
    return open_anywhere(folder, out_engine);
}
