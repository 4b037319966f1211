#include "device/account.h"

void fhi_account_init(fhi_account *account)
{
    for (int source = 0; source < FHI_LIMIT_SOURCES; source++) {
        atomic_init(&account->limits[source], FH_NO_LIMIT);
    }
    atomic_init(&account->limit, FH_NO_LIMIT);
}

void fhi_account_set_limit(fhi_account *account, fhi_limit_source source, uint64_t limit)
{
    uint64_t strictest = limit;
    atomic_store_explicit(&account->limits[source], limit, memory_order_relaxed);
    for (int other = 0; other < FHI_LIMIT_SOURCES; other++) {
        uint64_t its = atomic_load_explicit(&account->limits[other], memory_order_relaxed);
        strictest = its < strictest ? its : strictest;
    }
    atomic_store_explicit(&account->limit, strictest, memory_order_relaxed);
}

bool fhi_account_charge_within(fhi_account *account, uint64_t bytes, uint64_t most)
{
    uint64_t charged = atomic_load_explicit(&account->charged, memory_order_relaxed);
    uint64_t sum;
    do {
        uint64_t limit = atomic_load_explicit(&account->limit, memory_order_relaxed);
        limit = most < limit ? most : limit;
        if (charged > limit || bytes > limit - charged || bytes > UINT64_MAX - charged) {
            return false;
        }
        sum = charged + bytes;
    } while (!atomic_compare_exchange_weak_explicit(&account->charged, &charged, sum,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void fhi_account_hold(fhi_account *account, uint64_t bytes)
{
    uint64_t sum = atomic_fetch_add_explicit(&account->held, bytes, memory_order_relaxed) + bytes;
    uint64_t peak = atomic_load_explicit(&account->peak, memory_order_relaxed);
    while (sum > peak &&
           !atomic_compare_exchange_weak_explicit(&account->peak, &peak, sum, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
    atomic_fetch_add_explicit(&account->count, 1, memory_order_relaxed);
}

void fhi_account_let_go(fhi_account *account, uint64_t bytes)
{
    atomic_fetch_sub_explicit(&account->held, bytes, memory_order_relaxed);
    atomic_fetch_sub_explicit(&account->count, 1, memory_order_relaxed);
}

void fhi_account_credit(fhi_account *account, uint64_t bytes)
{
    atomic_fetch_sub_explicit(&account->charged, bytes, memory_order_relaxed);
}

uint64_t fhi_account_headroom(const fhi_account *account)
{
    uint64_t limit = atomic_load_explicit(&account->limit, memory_order_relaxed);
    uint64_t charged = atomic_load_explicit(&account->charged, memory_order_relaxed);
    return charged < limit ? limit - charged : 0;
}

bool fhi_share_refill(fhi_share *share, fhi_account *account, uint64_t bytes)
{
    uint64_t missing = bytes - share->credit;
    bool tight = atomic_load_explicit(&account->tight, memory_order_relaxed);
    if (!tight && missing <= UINT64_MAX - FHI_CREDIT &&
        fhi_account_charge(account, missing + FHI_CREDIT)) {
        share->credit += missing + FHI_CREDIT;
        return true;
    }
    if (!fhi_account_charge(account, missing)) {
        return false;
    }
    share->credit += missing;
    return true;
}

/* A tight account gets all back, so that others see at once what is free. */
void fhi_share_return(fhi_share *share, fhi_account *account)
{
    bool tight = atomic_load_explicit(&account->tight, memory_order_relaxed);
    uint64_t keep = tight ? 0 : FHI_CREDIT;
    if (share->credit > keep) {
        fhi_account_credit(account, share->credit - keep);
        share->credit = keep;
    }
}
