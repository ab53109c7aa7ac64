/* Packing lifetimes into one arena. Items are placed one after another, each into the smallest gap
 * that fits among those it shares a step with ("greedy by size", Pisarchyk and Lee, "Efficient
 * Memory Management for Deep Neural Net Inference", 2020). No single order is best for every
 * graph, so a few orders are tried and the tightest result is kept. Where that is more than the most bytes alive at one
 * step, a search in the order of time (offsets_beam.c) tries to reach that bound, or to come near it. */
#include "memory/offsets.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "memory/offsets_beam.h"

/* One item that takes part, with its size rounded up. */
typedef struct block {
    uint64_t size, offset;
    int first, last;
    size_t item;
    uint64_t rank; /* where it stands in the order under trial, low first */
} block;

typedef struct packing {
    uint64_t align;
    block *blocks;
    size_t count;
    size_t *placed; /* block numbers by offset */
    uint64_t *best; /* the offsets of the best order so far */
    uint64_t best_total;
} packing;

/* More than one order is tried only where that takes little time; placing count blocks looks at
 * about count * count pairs. */
enum { MOST_FOR_ALL_ORDERS = 512, MOST_REPAIRS = 24, MOST_REPAIR_PAIRS = 1000000 };
/* A packing that is more than one part of so many larger than the bound is worth more tries. */
enum { FAR = 24 };

static const uint64_t LARGEST_TOTAL = INT64_MAX;

static int compare_blocks(const void *left, const void *right) {
    const block *a = left, *b = right;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    if (a->size != b->size) return a->size > b->size ? -1 : 1;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    return a->item < b->item ? -1 : a->item > b->item;
}

static bool share_step(const block *a, const block *b) {
    return a->first <= b->last && b->first <= a->last;
}

/* The smallest gap between the placed neighbours in time that takes b, else the place behind the
 * highest of them. false: past the largest total. */
static bool find_offset(const packing *pack, size_t placed_count, block *b) {
    uint64_t end = 0, best_gap = UINT64_MAX, best_offset = 0;
    for (size_t i = 0; i < placed_count; ++i) {
        const block *other = &pack->blocks[pack->placed[i]];
        if (!share_step(b, other)) continue;
        if (other->offset > end) {
            uint64_t gap = other->offset - end;
            if (gap >= b->size && gap < best_gap) {
                best_gap = gap;
                best_offset = end;
            }
        }
        uint64_t other_end = other->offset + other->size;
        if (other_end > end) end = other_end;
    }
    b->offset = best_gap < UINT64_MAX ? best_offset : end;
    return b->size <= LARGEST_TOTAL - b->offset;
}

static void insert_placed(packing *pack, size_t placed_count, size_t number) {
    uint64_t offset = pack->blocks[number].offset;
    size_t low = 0, high = placed_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pack->blocks[pack->placed[middle]].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(&pack->placed[low + 1], &pack->placed[low], (placed_count - low) * sizeof *pack->placed);
    pack->placed[low] = number;
}

/* Places all blocks in the order of their ranks; keeps the result if it is the best yet. */
static void try_order(packing *pack) {
    qsort(pack->blocks, pack->count, sizeof *pack->blocks, compare_blocks);
    uint64_t total = 0;
    for (size_t i = 0; i < pack->count; ++i) {
        block *b = &pack->blocks[i];
        if (!find_offset(pack, i, b)) return;
        insert_placed(pack, i, i);
        if (b->offset + b->size > total) total = b->offset + b->size;
    }
    if (total >= pack->best_total) return;
    pack->best_total = total;
    for (size_t i = 0; i < pack->count; ++i) pack->best[pack->blocks[i].item] = pack->blocks[i].offset;
}

static void rank_by_size(packing *pack) {
    for (size_t i = 0; i < pack->count; ++i) pack->blocks[i].rank = UINT64_MAX - pack->blocks[i].size;
}

/* Large and long-lived first. */
static void rank_by_area(packing *pack) {
    for (size_t i = 0; i < pack->count; ++i) {
        block *b = &pack->blocks[i];
        uint64_t steps = (uint64_t)((int64_t)b->last - b->first) + 1, area;
        if (__builtin_mul_overflow(b->size, steps, &area)) area = UINT64_MAX;
        b->rank = UINT64_MAX - area;
    }
}

static void rank_by_first(packing *pack) {
    for (size_t i = 0; i < pack->count; ++i)
        pack->blocks[i].rank = (uint64_t)((int64_t)pack->blocks[i].first - INT32_MIN);
}

/* Longest-lived first. */
static void rank_by_steps(packing *pack) {
    for (size_t i = 0; i < pack->count; ++i)
        pack->blocks[i].rank = UINT64_MAX - (uint64_t)((int64_t)pack->blocks[i].last - pack->blocks[i].first);
}

/* The most bytes alive at one step: no packing is smaller. The highest load is reached at some
 * block's first step. */
static uint64_t lower_bound(const packing *pack) {
    uint64_t highest = 0;
    for (size_t i = 0; i < pack->count; ++i) {
        int step = pack->blocks[i].first;
        uint64_t load = 0;
        for (size_t j = 0; j < pack->count; ++j) {
            const block *b = &pack->blocks[j];
            if (b->first <= step && step <= b->last && __builtin_add_overflow(load, b->size, &load)) return UINT64_MAX;
        }
        if (load > highest) highest = load;
    }
    return highest;
}

/* The block that ends highest goes first in the next try, and the others keep their order. */
static void promote_highest(packing *pack) {
    size_t highest = 0;
    for (size_t i = 0; i < pack->count; ++i) {
        const block *b = &pack->blocks[i], *top = &pack->blocks[highest];
        if (b->offset + b->size > top->offset + top->size) highest = i;
    }
    for (size_t i = 0; i < pack->count; ++i) pack->blocks[i].rank = i + 1;
    pack->blocks[highest].rank = 0;
}

/* Tries a few limits from the lower bound on; they are multiples of the alignment. */
static sinter_status search_below(packing *pack, sni_beam_item *items, uint64_t *offsets, uint64_t bound) {
    static const uint64_t slack[] = {0, 64, 24, 12}; /* one part of so many more than the bound */
    bool found = false;
    for (size_t i = 0; i < sizeof slack / sizeof *slack && !found; ++i) {
        uint64_t limit = slack[i] ? bound + bound / slack[i] / pack->align * pack->align : bound;
        if (limit >= pack->best_total) break;
        SNI_TRY(sni_offsets_beam(items, pack->count, limit, offsets, &found));
    }
    if (!found) return SINTER_OK;
    pack->best_total = 0;
    for (size_t i = 0; i < pack->count; ++i) {
        uint64_t end = offsets[i] + pack->blocks[i].size;
        if (end > pack->best_total) pack->best_total = end;
        pack->best[pack->blocks[i].item] = offsets[i];
    }
    return SINTER_OK;
}

static sinter_status tighten(packing *pack, uint64_t bound) {
    if (bound > LARGEST_TOTAL / 2) return SINTER_OK;
    sni_beam_item *items = sni_calloc(pack->count, sizeof *items);
    uint64_t *offsets = sni_calloc(pack->count, sizeof *offsets);
    for (size_t i = 0; items && i < pack->count; ++i)
        items[i] = (sni_beam_item){pack->blocks[i].size, pack->blocks[i].first, pack->blocks[i].last};
    sinter_status status =
        items && offsets ? search_below(pack, items, offsets, bound) : sni_out_of_memory("the offset planner");
    sni_free(items);
    sni_free(offsets);
    return status;
}

/* More orders, for what the search does not pack. */
static void try_more_orders(packing *pack, uint64_t bound) {
    void (*const more[])(packing *) = {rank_by_area, rank_by_first, rank_by_steps};
    for (size_t i = 0; i < sizeof more / sizeof *more && pack->best_total > bound; ++i) {
        more[i](pack);
        try_order(pack);
    }
    /* Repairs begin with the order that is best most often. */
    rank_by_size(pack);
    size_t pairs = 0;
    for (int i = 0; i < MOST_REPAIRS && pairs < MOST_REPAIR_PAIRS && pack->best_total > bound; ++i) {
        pairs += pack->count * pack->count;
        try_order(pack);
        promote_highest(pack);
    }
}

static sinter_status pack_all(packing *pack) {
    pack->best_total = UINT64_MAX;
    rank_by_size(pack);
    try_order(pack);
    if (pack->count > MOST_FOR_ALL_ORDERS) return SINTER_OK;
    uint64_t bound = lower_bound(pack);
    if (pack->best_total > bound) SNI_TRY(tighten(pack, bound));
    if (pack->best_total > bound && pack->best_total - bound > bound / FAR) try_more_orders(pack, bound);
    return SINTER_OK;
}

static sinter_status add_blocks(packing *pack, const sni_lifetime *items, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const sni_lifetime *item = &items[i];
        if (item->first > item->last)
            return sni_fail(SINTER_INVALID_ARGUMENT, "lifetime %zu ends (%d) before it begins (%d)", i, item->last,
                            item->first);
        if (!item->size_bytes) continue;
        if (item->size_bytes > LARGEST_TOTAL - (pack->align - 1))
            return sni_fail(SINTER_INVALID_ARGUMENT, "lifetime %zu has too many bytes", i);
        block *b = &pack->blocks[pack->count++];
        *b = (block){.first = item->first, .last = item->last, .item = i};
        b->size = (item->size_bytes + pack->align - 1) & ~(pack->align - 1);
    }
    return SINTER_OK;
}

static sinter_status plan(packing *pack, sni_lifetime *items, size_t count, uint64_t *out_total) {
    SNI_TRY(add_blocks(pack, items, count));
    if (!pack->count) return SINTER_OK;
    SNI_TRY(pack_all(pack));
    if (pack->best_total == UINT64_MAX) return sni_fail(SINTER_INVALID_ARGUMENT, "the sizes of the lifetimes overflow");
    for (size_t i = 0; i < count; ++i)
        if (items[i].size_bytes) items[i].offset_bytes = pack->best[i];
    *out_total = pack->best_total;
    return SINTER_OK;
}

sinter_status sni_offsets_plan(sni_lifetime *items, size_t count, uint64_t align_bytes, uint64_t *out_total) {
    *out_total = 0;
    if (!align_bytes || align_bytes & (align_bytes - 1) || align_bytes > (uint64_t)1 << 32)
        return sni_fail(SINTER_INVALID_ARGUMENT, "an alignment of %llu is not a power of two up to 2^32",
                        (unsigned long long)align_bytes);
    for (size_t i = 0; i < count; ++i) items[i].offset_bytes = 0;
    if (!count) return SINTER_OK;
    packing pack = {.align = align_bytes};
    pack.blocks = sni_calloc(count, sizeof *pack.blocks);
    pack.placed = sni_calloc(count, sizeof *pack.placed);
    pack.best = sni_calloc(count, sizeof *pack.best);
    sinter_status status = pack.blocks && pack.placed && pack.best ? plan(&pack, items, count, out_total)
                                                                   : sni_out_of_memory("the offset planner");
    sni_free(pack.best);
    sni_free(pack.placed);
    sni_free(pack.blocks);
    return status;
}

/* The highest load is reached at some item's first step. */
uint64_t sni_offsets_live(const sni_lifetime *items, size_t count) {
    uint64_t highest = 0;
    for (size_t i = 0; i < count; ++i) {
        uint64_t load = 0;
        for (size_t j = 0; j < count; ++j)
            if (items[j].first <= items[i].first && items[i].first <= items[j].last) load += items[j].size_bytes;
        if (load > highest) highest = load;
    }
    return highest;
}
