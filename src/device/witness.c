#include "device/witness.h"

enum {
    NUMBER_BITS = 40
};

#define NUMBER_MASK ((UINT64_C(1) << NUMBER_BITS) - 1)
#define STAMP_MASK  UINT64_C(0xffffff) /* of the generation */

/* ---- telling ---- */

void fhi_witness_memory(fhi_core *core, fhi_memory *memory, uint32_t event)
{
    if (fhi_is_observed(core, event)) {
        fhi_witness(core,
                    &(fhi_witnessed){.event = fhi_memory_event(memory, event), .memory = memory});
    }
}

/* The slot's parcel: it holds one. */
static fh_parcel parcel_in(const fhi_core *core, uint32_t slot)
{
    uint64_t word = atomic_load_explicit(&fhi_record_at(core, slot)->word, memory_order_relaxed);
    return (fh_parcel){(word & FHI_WORD_GENERATION) | slot};
}

void fhi_witness_parcel(fhi_core *core, uint32_t slot, uint32_t event)
{
    if (fhi_is_observed(core, event)) {
        fhi_witness(core,
                    &(fhi_witnessed){.event = {.kind = event, .parcel = parcel_in(core, slot)}});
    }
}

void fhi_witness_use(fhi_core *core, uint32_t slot, fh_epoch epoch)
{
    if (fhi_is_observed(core, FHI_WITNESS_PARCEL_USED)) {
        fhi_witness(core, &(fhi_witnessed){.event = {.kind = FHI_WITNESS_PARCEL_USED,
                                                     .parcel = parcel_in(core, slot),
                                                     .epoch = epoch}});
    }
}

void fhi_witness_shape(fhi_core *core, uint32_t slot, uint64_t bytes_before)
{
    const fhi_record *record = fhi_record_at(core, slot);
    if (fhi_is_observed(core, FHI_WITNESS_PARCEL_SHAPED)) {
        fhi_witness(core, &(fhi_witnessed){.event = {.kind = FHI_WITNESS_PARCEL_SHAPED,
                                                     .parcel = parcel_in(core, slot),
                                                     .bytes = record->committed,
                                                     .bytes_before = bytes_before},
                                           .record = record});
    }
}

void fhi_witnesses_pass(fhi_core *core)
{
    fhi_lock *const locks[] = {&core->memory_lock, &core->tags.lock, &core->retire.lock};
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        fhi_lock_acquire(locks[i]);
        fhi_lock_release(locks[i]);
    }
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_latch_acquire(&core->lanes[i].lock);
        fhi_latch_release(&core->lanes[i].lock);
    }
}

/* ---- numbers ---- */

/* What a number of that parcel bears. */
static uint64_t stamp_of(fh_parcel parcel)
{
    return (parcel.id >> 32 & STAMP_MASK) << NUMBER_BITS;
}

static fhi_record *record_of(const fhi_core *core, fh_parcel parcel)
{
    return fhi_record_at(core, fhi_parcel_slot(parcel));
}

uint64_t fhi_parcel_number(const fhi_core *core, fh_parcel parcel)
{
    uint64_t number = atomic_load_explicit(&record_of(core, parcel)->number, memory_order_relaxed);
    return (number & ~NUMBER_MASK) == stamp_of(parcel) ? number & NUMBER_MASK : 0;
}

static uint64_t next_number(fhi_core *core)
{
    return (atomic_fetch_add_explicit(&core->parcel_number, 1, memory_order_relaxed) + 1) &
           NUMBER_MASK;
}

uint64_t fhi_memory_number(fhi_core *core, fhi_memory *memory)
{
    uint64_t number = atomic_load_explicit(&memory->parcel_number, memory_order_relaxed);
    if (number == 0 && memory->dedicated) {
        uint64_t fresh = next_number(core);
        bool first = atomic_compare_exchange_strong_explicit(
            &memory->parcel_number, &number, fresh, memory_order_relaxed, memory_order_relaxed);
        number = first ? fresh : number;
    }
    return number;
}

/* That was kept for it with its memory; else another one. */
static uint64_t fresh_number(fhi_core *core, const fhi_record *record)
{
    const fhi_memory *memory = record->backing.memory;
    bool alone = memory && (record->flags & FHI_RECORD_BACKED) == 0;
    uint64_t kept = alone ? atomic_load_explicit(&memory->parcel_number, memory_order_relaxed) : 0;
    return kept != 0 ? kept : next_number(core);
}

uint64_t fhi_parcel_give_number(fhi_core *core, fh_parcel parcel)
{
    fhi_record *record = record_of(core, parcel);
    uint64_t old = atomic_load_explicit(&record->number, memory_order_relaxed);
    uint64_t number = fhi_parcel_number(core, parcel);
    if (number == 0) {
        number = fresh_number(core, record);
        /* Two witnesses, and the second one comes while the first one is told. */
        if (!atomic_compare_exchange_strong_explicit(&record->number, &old,
                                                     stamp_of(parcel) | number,
                                                     memory_order_relaxed, memory_order_relaxed)) {
            number = fhi_parcel_number(core, parcel);
        }
    }
    return number;
}

bool fhi_parcel_is_told(const fhi_core *core, fh_parcel parcel, uint32_t place)
{
    uint64_t told = atomic_load_explicit(&record_of(core, parcel)->told, memory_order_relaxed);
    return told >> 32 == parcel.id >> 32 && (told >> place & 1) != 0;
}

void fhi_parcel_set_told(fhi_core *core, fh_parcel parcel, uint32_t place)
{
    fhi_record *record = record_of(core, parcel);
    uint64_t told = atomic_load_explicit(&record->told, memory_order_relaxed);
    uint64_t others = told >> 32 == parcel.id >> 32 ? told : parcel.id & FHI_WORD_GENERATION;
    atomic_store_explicit(&record->told, others | UINT64_C(1) << place, memory_order_relaxed);
}

typedef struct clearing {
    fhi_core *core;
    uint64_t keep; /* bits */
} clearing;

static void clear_told(void *context, uint32_t slot, const fhi_record *found)
{
    const clearing *c = context;
    uint64_t told = atomic_load_explicit(&found->told, memory_order_relaxed);
    atomic_store_explicit(&fhi_record_at(c->core, slot)->told, told & c->keep,
                          memory_order_relaxed);
}

void fhi_parcels_clear_told(fhi_core *core, uint32_t place)
{
    clearing c = {core, ~(UINT64_C(1) << place)};
    fhi_records_walk(core, &(fhi_walk){NULL, clear_told, &c});
}

fhi_lane *fhi_parcel_lane(fhi_core *core, fh_parcel parcel)
{
    return &core->lanes[record_of(core, parcel)->lane];
}

/* ---- walks ---- */

/* The next memories after `id`, which becomes that of the last one; false: that were all. */
static bool show_memories(fhi_core *core, uint64_t *id,
                          void (*show)(void *context, fhi_memory *memory), void *context)
{
    uint32_t count = 0;
    fhi_lock_acquire(&core->memory_lock);
    fhi_memory *memory = core->memory_first;
    while (memory && count < FHI_WITNESS_BATCH) {
        if (memory->id > *id) {
            *id = memory->id;
            show(context, memory);
            count++;
        }
        memory = memory->all_next;
    }
    if (!memory) {
        show(context, NULL);
    }
    fhi_lock_release(&core->memory_lock);
    return memory != NULL;
}

void fhi_memories_walk(fhi_core *core, void (*provide)(void *context),
                       void (*show)(void *context, fhi_memory *memory), void *context)
{
    uint64_t id = 0;
    do {
        provide(context);
    } while (show_memories(core, &id, show, context));
}

void fhi_tags_walk(fhi_core *core, void (*show)(void *context, fh_tag tag, const char *name),
                   void *context)
{
    fhi_tags *tags = &core->tags;
    fhi_lock_acquire(&tags->lock);
    uint32_t count = atomic_load_explicit(&tags->count, memory_order_relaxed);
    for (fh_tag tag = 1; tag < count; tag++) {
        show(context, tag, atomic_load_explicit(&tags->table[tag], memory_order_relaxed)->name);
    }
    show(context, 0, "");
    fhi_lock_release(&tags->lock);
}

void fhi_queues_walk(fhi_core *core, void (*show)(void *context, uint32_t queue, const char *name),
                     void *context)
{
    fhi_retire *retire = &core->retire;
    fhi_lock_acquire(&retire->lock);
    uint32_t count = atomic_load_explicit(&retire->queue_count, memory_order_relaxed);
    for (uint32_t queue = 0; queue < count; queue++) {
        show(context, queue, retire->queues[queue].name);
    }
    show(context, count, NULL);
    fhi_lock_release(&retire->lock);
}
