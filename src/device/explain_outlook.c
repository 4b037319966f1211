/* The words for an outlook: why memory types that were to be tried cannot give the memory, what is
 * done about that, and where the memory comes from in the end, or what the request is refused
 * with. */

#include "device/explain.h"

#include "device/core.h"
#include "device/text.h"

#include <inttypes.h>

typedef fhi_explain_text text;

/* What is said goes to `t`, which every function here has. */
#define SAY(...) fhi_say(&t->out, __VA_ARGS__)

/* ---- what stands in the way ---- */

static void say_account_name(text *t, fh_account account)
{
    static const char *const scopes[] = {"", "", "the kind ", "the tag "};
    char name[FH_NAME_SIZE];

    fhi_account_name(t->core, account, name, sizeof name);
    SAY("%s%s", account.scope == FH_ACCOUNT_TOTAL ? "the " : scopes[account.scope],
        fhi_name_print(name).text);
}

/* No full stop. */
static void say_obstacle(text *t, const fhi_obstacle *obstacle)
{
    uint64_t most = obstacle->most;

    switch (obstacle->kind) {
    case FHI_OBSTACLE_NONE:
        break;
    case FHI_OBSTACLE_HIDDEN:
        SAY("host memory is imported as host_visible memory only");
        break;
    case FHI_OBSTACLE_SIZE:
        SAY("%s are more than the %s that the adapter gives in one piece",
            fhi_size_print(obstacle->asked).text, fhi_size_print(most).text);
        break;
    case FHI_OBSTACLE_COUNT:
        SAY("the adapter gives %" PRIu64 " allocations, and all are taken", most);
        break;
    case FHI_OBSTACLE_BLOCKS:
        SAY("the pool may not have more than %" PRIu64, most);
        break;
    case FHI_OBSTACLE_BLOCK:
        SAY("%s do not fit a block of the pool, which has %s", fhi_size_print(obstacle->asked).text,
            fhi_size_print(most).text);
        break;
    case FHI_OBSTACLE_HEAP:
    case FHI_OBSTACLE_LIMIT:
    case FHI_OBSTACLE_SYSTEM:
        SAY("%s are more than ", fhi_size_print(obstacle->asked).text);
        if (obstacle->lasts) {
            SAY("the %s", fhi_size_print(most).text);
        } else {
            SAY("what is left, %s, of the %s", fhi_size_print(obstacle->left).text,
                fhi_size_print(most).text);
        }
        if (obstacle->kind == FHI_OBSTACLE_LIMIT) {
            SAY(" that are the limit of ");
        } else if (obstacle->kind == FHI_OBSTACLE_SYSTEM) {
            SAY(" that the system gives this process of ");
        } else {
            SAY(" of ");
        }
        say_account_name(t, obstacle->account);
        break;
    }
}

/* The same for memory in which nothing has room. */
static void say_full(text *t, const fhi_obstacle *obstacle)
{
    if (obstacle->kind == FHI_OBSTACLE_BLOCKS) {
        SAY("none of the pool's blocks has room for it, and ");
    }
    say_obstacle(t, obstacle);
}

/* The types before the last one looked at; and that one, too, where others would be. */
static void say_obstructed(text *t)
{
    const fhi_outlook *outlook = &t->e->outlook;
    for (uint32_t i = 0; i < outlook->count; i++) {
        const fhi_prospect *one = &outlook->types[i];
        if (one->obstacle.kind == FHI_OBSTACLE_NONE || outlook->count == 1) {
            continue;
        }
        SAY("Memory type %u %s: ", (unsigned int)t->e->request.order.types[i],
            one->obstacle.lasts ? "cannot give it" : "is full");
        say_full(t, &one->obstacle);
        SAY(".\n");
    }
}

static void say_relief(text *t)
{
    const fhi_outlook *outlook = &t->e->outlook;
    if (outlook->count > 0 && outlook->types[0].obstacle.kind == FHI_OBSTACLE_NONE &&
        outlook->result == FH_OK) {
        return;
    }
    if (t->e->relieves) {
        SAY("What is done about that, the policy's relieve decides. If that ends as the native "
            "rule does:\n");
    } else if (outlook->relief) {
        SAY("It would be relieved first: what retires and what is empty is given back, allocators "
            "drain, and owners are asked to let go. Unless that helps:\n");
    }
}

/* ---- where from ---- */

static void say_dedicated(text *t, const fhi_prospect *from)
{
    SAY(", as a driver allocation of its own: ");
    switch (from->source) {
    case FHI_SOURCE_POOL:
        break;
    case FHI_SOURCE_IMPORT:
        SAY("it is the program's host memory");
        break;
    case FHI_SOURCE_DRIVER_REQUIRES:
        SAY("the driver requires that");
        break;
    case FHI_SOURCE_REQUIRED:
        SAY("dedicated memory is required");
        break;
    case FHI_SOURCE_LARGER_THAN_BLOCK:
        SAY("it is larger than a block, which has %s", fhi_size_print(from->pool->block_size).text);
        break;
    case FHI_SOURCE_PREFERRED:
        SAY("dedicated memory is preferred; a block would do, too");
        break;
    case FHI_SOURCE_DRIVER_PREFERS:
        SAY("the driver prefers that; a block would do, too");
        break;
    case FHI_SOURCE_HALF_A_BLOCK:
        SAY("it exceeds half a block, which has %s; a block would do, too",
            fhi_size_print(from->pool->block_size).text);
        break;
    }
    SAY(".\n");
}

static void say_pool(text *t, const fhi_prospect *from)
{
    const fh_pool *pool = from->pool;

    if (pool->custom) {
        SAY(", in the pool \"%s\"", fhi_name_print(pool->name).text);
    } else {
        SAY(", in the device's own pool of that type");
    }
    SAY(", which has %u block%s of %s in all", (unsigned int)from->block_count,
        from->block_count == 1 ? "" : "s", fhi_size_print(from->block_bytes).text);
    if (from->growth.kind != FHI_OBSTACLE_NONE) {
        SAY(". A %s may have room for it; if none has, no other can be made, since ",
            from->has_room ? "block" : "slab");
        say_obstacle(t, &from->growth);
    } else if (from->is_small) {
        SAY(". It is small, and cut from a slab of the thread's own, up to %s; a new slab or a "
            "new block is made when there is no room",
            fhi_size_print(pool->small).text);
    } else if (from->has_room) {
        SAY(". A block may have room for it; if none has, a new one of %s is made",
            fhi_size_print(from->next_block).text);
    } else {
        SAY(". None has room for it: a new block of %s is made",
            fhi_size_print(from->next_block).text);
    }
    SAY(".\n");
    if (from->dedicated.kind != FHI_OBSTACLE_NONE) {
        SAY("It would rather be dedicated, but ");
        say_obstacle(t, &from->dedicated);
        SAY(".\n");
    }
    if (from->reserved != t->e->request.requirements.size) {
        SAY("It takes whole pages of %s, since linear and optimal resources must not share one.\n",
            fhi_size_print(t->core->adapter.granularity).text);
    }
}

static void say_source(text *t)
{
    const fhi_outlook *outlook = &t->e->outlook;
    const fhi_prospect *from = &outlook->types[outlook->count - 1];
    uint32_t type = t->e->request.order.types[outlook->count - 1];

    SAY("So it comes from memory type %u, heap %u, and reserves %" PRIu64 " bytes",
        (unsigned int)type, (unsigned int)t->core->adapter.types[type].heap, from->reserved);
    if (from->source != FHI_SOURCE_POOL) {
        say_dedicated(t, from);
    } else {
        say_pool(t, from);
    }
}

void fhi_explain_outlook(text *t)
{
    say_obstructed(t);
    say_relief(t);
    if (t->e->outlook.result == FH_OK) {
        say_source(t);
    } else {
        SAY("So it would be refused with %s: ", fh_result_name(t->e->outlook.result));
        say_full(t, &t->e->outlook.why);
        SAY(".\n");
    }
}
