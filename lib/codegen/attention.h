/* Attention: a nest of two products with row statistics between them, whatever stands around.
 *
 *     score[row, key]  = sum over depth of q[row, depth] * k[key, depth]
 *     logit[row, key]  = any function of the score, and of what is known of row and key (scale, bias, mask)
 *     maximum[row]     = maximum over keys of logit
 *     weight[row, key] = exp(logit - maximum)
 *     total[row]       = sum over keys of weight
 *     sum[row, column] = sum over keys of weight * v[key, column]
 *
 * and an epilogue. No graph needs an operator of that name: the loop builder makes the nest from products and a softmax.
 * When a larger maximum is met, what has been summed so far is multiplied by exp(old maximum - new maximum); so one walk
 * over the keys is enough and no score is stored (Milakov and Gimelshein 2018, arXiv:1805.02867; Dao and others 2022,
 * arXiv:2205.14135). */
#ifndef SNI_CODEGEN_ATTENTION_H
#define SNI_CODEGEN_ATTENTION_H

#include "codegen/contract.h"

typedef struct sni_attention {
    const sni_loop *loop;
    int score, logit, maximum, weight, total, sum; /* statements */
    int factor;                                    /* what v is multiplied by: weight, or weight in another dtype */
    uint32_t batch, rows, keys, depth, columns;    /* masks of axes */
    int key_axis;                                  /* the one axis of keys */
    /* The program as each product sees it: with that product as its core, and its axes by role. The first stores nothing. */
    sni_loop scores, result;
} sni_attention;

/* Is the program attention? If not, says why (why may be NULL). */
bool sni_attention_of(const sni_loop *loop, sni_attention *out, sni_str *why);

/* The dtype of q, k, v and the result, or none. Weights may be f32: the product's dtype says what they are rounded to. */
sinter_dtype sni_attention_dtype(const sni_attention *a);

/* Is the argument of the weight's exp the logit less the maximum, with nothing between? */
bool sni_attention_weight_is_plain(const sni_attention *a);

/* Marks what the logit (or a statement that takes its place) needs beyond the score, what the weight needs beyond logit and maximum, and what the stores need
 * beyond sum, total and maximum. NULL when memory is out. */
bool *sni_attention_logit_need(const sni_attention *a, int logit, sni_arena *arena);
bool *sni_attention_weight_need(const sni_attention *a, sni_arena *arena);
bool *sni_attention_store_need(const sni_attention *a, sni_arena *arena);

/* The condition that every logit of a block is minus infinity, as code: rows from the variable row_low to row_high, keys
 * from key_low to key_high, both inclusive (names of variables). NULL when the program has no such mask by coordinates. A
 * block like that changes nothing, so it can be left out. */
const char *sni_attention_masked(sni_emitter *e, const sni_attention *a, const char *const row[2],
                                 const char *const key[2]);
/* The condition that no logit of the block is masked so, as code; the logit is then the statement out_logit. NULL: not known. */
const char *sni_attention_unmasked(sni_emitter *e, const sni_attention *a, const char *const row[2],
                                   const char *const key[2], int *out_logit);

#endif
