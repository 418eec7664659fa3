/* What the last layer's attention adds to the query, forward and backward, CHUNK prompts at a time.

       X = LayerNorm(S) or S,   q = scale (x_last Q + a),   f_h = K_h q_h (a column of D),
       t_ih = x_i . f_h + q_h . b_h over the context, or its softmax,
       g_h = sum_i t_ih x_i,   y_h = g_h V_h + (sum_i t_ih) v_h,   s'_last = s_last + y O + o

   So no key and no value of a token is formed. The maps of a query are products over a chunk; what
   is done to every token stays in cache. a, b, v and o are null where there are no biases. */

#include "kernel.h"

/* The places of weights in an array of pointers. Q, V and O are (D, D), applied to rows; K has a
   row for each dimension of a head. Those that are turned are transposes. */
enum {
    GAIN,
    BIAS,
    Q,
    A,
    K,
    B,
    V,
    VALUE_BIAS,
    O,
    OUTPUT_BIAS,
    TURNED_Q,
    TURNED_K,
    TURNED_V,
    TURNED_O
};

/* Sizes, and a thread's room; h is the number of heads. */
typedef struct {
    int m, c, D, p, h, softmax;
    float scale;
    float *x, *dx, *dt, *last, *q, *y, *dy, *dq, *f, *df, *g, *dg, *t, *sums, *dsums, *shift,
        *dshift;
} room;

static long slice(int m, int D, int h) {
    return 2L * m * D + (long)m * h + 5L * CHUNK * D + 4L * CHUNK * h * D + (long)CHUNK * m * h +
           4L * CHUNK * h;
}

static room rooms(int m, int c, int D, int p, int softmax, float scale, float *at) {
    room r = {m, c, D, p, D / p, softmax, scale};
    float **parts[] = {&r.x,  &r.dx, &r.dt, &r.last, &r.q,    &r.y,     &r.dy,    &r.dq,    &r.f,
                       &r.df, &r.g,  &r.dg, &r.t,    &r.sums, &r.dsums, &r.shift, &r.dshift};
    const long stream = (long)m * D, rows = (long)CHUNK * D, heads = rows * r.h, each = CHUNK * r.h;
    const long sizes[] = {stream, stream, (long)m * r.h, rows,     rows, rows, rows, rows, heads,
                          heads,  heads,  heads,         each * m, each, each, each, each};
    for (int i = 0; i < 17; i++) *parts[i] = at, at += sizes[i];
    return r;
}

INLINE float dot(int D, const float *a, const float *b) {
    vector sum = {0};
    for (int j = 0; j < D; j += LANES) sum += *(const vector *)(a + j) * *(const vector *)(b + j);
    return total(sum);
}

INLINE void add(int D, float factor, const float *a, float *c) {
    for (int j = 0; j < D; j += LANES) *(vector *)(c + j) += factor * *(const vector *)(a + j);
}

static float narrow_dot(int p, const float *a, const float *b) {
    float sum = 0;
    for (int j = 0; j < p; j++) sum += a[j] * b[j];
    return sum;
}

static void softmax(int c, int h, float *t) {
    for (int k = 0; k < h; k++) {
        float most = t[k], sum = 0;
        for (int i = 1; i < c; i++) most = t[i * h + k] > most ? t[i * h + k] : most;
        for (int i = 0; i < c; i++) {
            t[i * h + k] = __builtin_expf(t[i * h + k] - most);
            sum += t[i * h + k];
        }
        for (int i = 0; i < c; i++) t[i * h + k] /= sum;
    }
}

/* The tokens as they are attended to. */
static const float *seen(const room *r, const float *const *w, const float *s) {
    if (!w[GAIN]) return s;
    layer_norm(r->m, r->D, s, w[GAIN], w[BIAS], r->x);
    return r->x;
}

/* q and f of n prompts. */
static void ask(const room *r, const float *const *w, int n, const float *s) {
    const int D = r->D, p = r->p, h = r->h;
    for (int b = 0; b < n; b++) {
        const float *last = s + ((long)b * r->m + r->m - 1) * D;
        if (w[GAIN])
            layer_norm(1, D, last, w[GAIN], w[BIAS], r->last + b * D);
        else
            __builtin_memcpy(r->last + b * D, last, sizeof(float) * D);
    }
    if (w[A]) repeat(n, D, w[A], r->q);
    product(n, D, D, r->last, D, 1, w[Q], D, r->q, D, w[A] != 0);
    for (int i = 0; i < n * D; i++) r->q[i] *= r->scale;
    for (int k = 0; k < h; k++)
        product(n, p, D, r->q + k * p, D, 1, w[K] + k * p * D, D, r->f + k * D, h * D, 0);
    for (int b = 0; b < n * h; b++)
        r->shift[b] = w[B] ? narrow_dot(p, r->q + b * p, w[B] + b % h * p) : 0;
}

/* t, g and their sums of prompt b of a chunk, from its tokens. */
static void pool(const room *r, int b, const float *x) {
    const int D = r->D, h = r->h;
    float *t = r->t + (long)b * r->m * h, *g = r->g + (long)b * h * D, *sums = r->sums + b * h;
    const float *f = r->f + (long)b * h * D;
    for (int i = 0; i < r->c; i++)
        for (int k = 0; k < h; k++)
            t[i * h + k] = dot(D, x + i * D, f + k * D) + r->shift[b * h + k];
    if (r->softmax) softmax(r->c, h, t);
    __builtin_memset(g, 0, sizeof(float) * h * D);
    __builtin_memset(sums, 0, sizeof(float) * h);
    for (int i = 0; i < r->c; i++)
        for (int k = 0; k < h; k++) {
            add(D, t[i * h + k], x + i * D, g + k * D);
            sums[k] += t[i * h + k];
        }
}

/* y of n prompts. */
static void values(const room *r, const float *const *w, int n) {
    const int D = r->D, p = r->p, h = r->h;
    for (int k = 0; k < h; k++)
        product(n, D, p, r->g + k * D, h * D, 1, w[V] + k * p, D, r->y + k * p, D, 0);
    for (int b = 0; w[VALUE_BIAS] && b < n * h; b++)
        for (int j = 0; j < p; j++) r->y[b * p + j] += r->sums[b] * w[VALUE_BIAS][b % h * p + j];
}

/* dX of prompt b, and what f and the shift receive, from dg and dsums. */
static void pool_gradient(const room *r, int b, const float *x) {
    const int D = r->D, h = r->h;
    const float *t = r->t + (long)b * r->m * h, *f = r->f + (long)b * h * D;
    const float *dg = r->dg + (long)b * h * D, *dsums = r->dsums + b * h;
    float *df = r->df + (long)b * h * D, *dshift = r->dshift + b * h, *dt = r->dt;
    for (int i = 0; i < r->c; i++)
        for (int k = 0; k < h; k++) dt[i * h + k] = dot(D, x + i * D, dg + k * D) + dsums[k];
    for (int k = 0; r->softmax && k < h; k++) {
        float mean = 0;
        for (int i = 0; i < r->c; i++) mean += t[i * h + k] * dt[i * h + k];
        for (int i = 0; i < r->c; i++) dt[i * h + k] = t[i * h + k] * (dt[i * h + k] - mean);
    }
    __builtin_memset(df, 0, sizeof(float) * h * D);
    __builtin_memset(dshift, 0, sizeof(float) * h);
    __builtin_memset(r->dx, 0, sizeof(float) * r->m * D);
    for (int i = 0; i < r->c; i++)
        for (int k = 0; k < h; k++) {
            add(D, t[i * h + k], dg + k * D, r->dx + i * D);
            add(D, dt[i * h + k], f + k * D, r->dx + i * D);
            add(D, dt[i * h + k], x + i * D, df + k * D);
            dshift[k] += dt[i * h + k];
        }
}

static void chunk_forward(const room *r, const float *const *w, int n, const float *s, float *out) {
    const int D = r->D;
    const long size = (long)r->m * D;
    ask(r, w, n, s);
    for (int b = 0; b < n; b++) pool(r, b, seen(r, w, s + b * size));
    values(r, w, n);
    for (int b = 0; b < n; b++) {
        __builtin_memcpy(out + b * D, s + b * size + size - D, sizeof(float) * D);
        if (w[OUTPUT_BIAS]) add(D, 1, w[OUTPUT_BIAS], out + b * D);
    }
    product(n, D, D, r->y, D, 1, w[O], D, out, D, 1);
}

/* dS of a chunk; the sums grow: of the gain, bias, Q, a, K, b, V, v, O and o. */
static void chunk_backward(const room *r, const float *const *w, int n, const float *s,
                           const float *dout, float *ds, float *sums) {
    const int D = r->D, p = r->p, h = r->h;
    const long size = (long)r->m * D, square = (long)D * D;
    float *dgain = sums, *dbias = dgain + D, *dQ = dbias + D, *da = dQ + square, *dK = da + D;
    float *db = dK + square, *dV = db + D, *dv = dV + square, *dO = dv + D, *d_o = dO + square;

    ask(r, w, n, s);
    for (int b = 0; b < n; b++) pool(r, b, seen(r, w, s + b * size));
    values(r, w, n);
    product(D, n, D, r->y, 1, D, dout, D, dO, D, 1);
    add_rows(n, D, dout, d_o);
    product(n, D, D, dout, D, 1, w[TURNED_O], D, r->dy, D, 0);
    for (int k = 0; k < h; k++) {
        product(D, n, p, r->g + k * D, 1, h * D, r->dy + k * p, D, dV + k * p, D, 1);
        product(n, p, D, r->dy + k * p, D, 1, w[TURNED_V] + k * p * D, D, r->dg + k * D, h * D, 0);
    }
    for (int b = 0; b < n * h; b++) {
        r->dsums[b] = w[VALUE_BIAS] ? narrow_dot(p, r->dy + b * p, w[VALUE_BIAS] + b % h * p) : 0;
        for (int j = 0; j < p; j++) dv[b % h * p + j] += r->sums[b] * r->dy[b * p + j];
    }
    for (int b = 0; b < n; b++) {
        const float *x = seen(r, w, s + b * size);
        pool_gradient(r, b, x);
        if (w[GAIN]) {
            __builtin_memset(ds + b * size, 0, sizeof(float) * size);
            layer_norm_gradient(r->m, D, s + b * size, w[GAIN], r->dx, ds + b * size, dgain, dbias);
        } else {
            __builtin_memcpy(ds + b * size, r->dx, sizeof(float) * size);
        }
    }
    for (int k = 0; k < h; k++) {
        product(n, D, p, r->df + k * D, h * D, 1, w[TURNED_K] + k * p, D, r->dq + k * p, D, 0);
        product(p, n, D, r->q + k * p, 1, D, r->df + k * D, h * D, dK + k * p * D, D, 1);
    }
    for (int b = 0; b < n * h; b++)
        for (int j = 0; j < p; j++) {
            db[b % h * p + j] += r->dshift[b] * r->q[b * p + j];
            if (w[B]) r->dq[b * p + j] += r->dshift[b] * w[B][b % h * p + j];
        }
    for (int i = 0; i < n * D; i++) r->dq[i] *= r->scale;
    product(D, n, D, r->last, 1, D, r->dq, D, dQ, D, 1);
    add_rows(n, D, r->dq, da);
    product(n, D, D, r->dq, D, 1, w[TURNED_Q], D, r->y, D, 0);
    for (int b = 0; b < n; b++) {
        const long last = (b + 1) * size - D;
        add(D, 1, dout + b * D, ds + last);
        if (w[GAIN])
            layer_norm_gradient(1, D, s + last, w[GAIN], r->y + b * D, ds + last, dgain, dbias);
        else
            add(D, 1, r->y + b * D, ds + last);
    }
}

/* The query's stream (count, D) after attention, without a forward pass kept for the gradient. */
void last_forward(int threads, int count, int m, int c, int D, int p, int softmax, float scale,
                  const float *const *weights, const float *stream, float *result, float *scratch) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int b = 0; b < count; b += CHUNK) {
        float *own = scratch + slice(m, D, D / p) * omp_get_thread_num();
        const room r = rooms(m, c, D, p, softmax, scale, own);
        chunk_forward(&r, weights, least(CHUNK, count - b), stream + (long)b * m * D,
                      result + b * D);
    }
}

/* dS of count prompts; a row of sums, zero at first, for every CHUNK of them. */
void last_backward(int threads, int count, int m, int c, int D, int p, int softmax, float scale,
                   const float *const *weights, const float *stream, const float *dresult,
                   float *dstream, float *sums, float *scratch) {
    const long row = 4L * D * D + 6 * D;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int b = 0; b < count; b += CHUNK) {
        float *own = scratch + slice(m, D, D / p) * omp_get_thread_num();
        const room r = rooms(m, c, D, p, softmax, scale, own);
        const long at = (long)b * m * D;
        chunk_backward(&r, weights, least(CHUNK, count - b), stream + at, dresult + b * D,
                       dstream + at, sums + b / CHUNK * row);
    }
}
