/* The layer's map of handles against a plain table, by random calls; and by several threads at
 * once.
 *
 *     handle_map_host [SEED]
 *
 * Ends with 0 when they agree; else it says the seed. */

#include "layer/handle_map.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    TYPES = 40,
    HANDLES = 80, /* of each type, the same numbers for all */
    ROUNDS = 300000,
    THREADS = 4
};

typedef struct shadow {
    fhi_handle_map *map;
    uint64_t random;
    uint64_t first; /* handle */
    uint64_t step;
    char *objects[TYPES][HANDLES]; /* NULL: not there */
    const char *wrong;
} shadow;

/* Addresses to stand for objects. */
static char objects[1024];

/* xorshift64*. Source: Vigna, "An experimental exploration of Marsaglia's xorshift generators". */
static uint32_t draw(shadow *model, uint32_t below)
{
    model->random ^= model->random >> 12;
    model->random ^= model->random << 25;
    model->random ^= model->random >> 27;
    return (uint32_t)((model->random * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % below;
}

/* Those of Vulkan itself, and those of extensions. */
static VkObjectType type_of(uint32_t number)
{
    return (VkObjectType)(number < 25 ? number : 1000000000 + number * 1000);
}

static void expect(shadow *model, bool right, const char *what)
{
    if (!right && model->wrong == NULL) {
        model->wrong = what;
    }
}

static void play(shadow *model, uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++) {
        uint32_t type = draw(model, TYPES);
        uint32_t number = draw(model, HANDLES);
        uint64_t handle = model->first + number * model->step;
        char **known = &model->objects[type][number];
        /* It grows and shrinks by turns. */
        uint32_t choice = draw(model, 10);
        uint32_t puts = i / 20000 % 2 == 0 ? 5 : 2;
        if (choice < puts) {
            char *object = &objects[draw(model, sizeof objects)];
            void *before;
            expect(model, fhi_handle_map_put(model->map, type_of(type), handle, object, &before),
                   "put");
            expect(model, before == *known, "put: what was there");
            *known = object;
        } else if (choice < 7) {
            expect(model, fhi_handle_map_take(model->map, type_of(type), handle) == *known, "take");
            *known = NULL;
        } else {
            expect(model, fhi_handle_map_get(model->map, type_of(type), handle) == *known, "get");
        }
    }
}

static void count_one(void *context, void *object)
{
    uint32_t *count = context;
    *count += object != NULL;
}

/* Takes all out that is left, type by type. */
static void drain(shadow *model)
{
    for (uint32_t type = 0; type < TYPES; type++) {
        uint32_t expected = 0;
        uint32_t count = 0;
        for (uint32_t i = 0; i < HANDLES; i++) {
            expected += model->objects[type][i] != NULL;
            model->objects[type][i] = NULL;
        }
        fhi_handle_map_drain(model->map, type_of(type), count_one, &count);
        expect(model, count == expected, "drain");
        for (uint32_t i = 0; i < HANDLES; i++) {
            for (uint32_t other = 0; other < TYPES; other++) {
                expect(model,
                       fhi_handle_map_get(model->map, type_of(other),
                                          model->first + i * model->step) ==
                           model->objects[other][i],
                       "drain: the others");
            }
        }
    }
}

static void *run(void *context)
{
    shadow *model = context;
    play(model, ROUNDS);
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
    static fhi_handle_map map;
    static shadow alone, together[THREADS];
    fhi_handle_map_init(&map);

    /* Small numbers, as some drivers give. */
    alone = (shadow){.map = &map, .random = seed * 2 + 1, .first = 1, .step = 1};
    play(&alone, ROUNDS);
    drain(&alone);

    for (int i = 0; i < FHI_HANDLE_MAP_STRIPES; i++) {
        expect(&alone, map.stripes[i].count == 0, "what is counted");
    }

    /* Addresses, each thread its own. */
    pthread_t threads[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        together[i] = (shadow){
            .map = &map,
            .random = seed * 2 + 3 + i,
            .first = UINT64_C(0x7F1234560000) + (uint64_t)i * 0x10000000,
            .step = 192,
        };
        if (pthread_create(&threads[i], NULL, run, &together[i]) != 0) {
            return 10;
        }
    }
    const char *wrong = alone.wrong;
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wrong = wrong ? wrong : together[i].wrong;
    }
    fhi_handle_map_finish(&map);
    if (wrong != NULL) {
        printf("seed %llu: %s\n", (unsigned long long)seed, wrong);
    }
    return wrong != NULL;
}
