/* A block of the softmax encoder, forward and backward, one prompt at a time so that all of it
   stays in cache.

       X = LayerNorm(S),   [Q K V] = X W + w,
       T_h = softmax over keys of scale K_h Q_h^T (a column for each query),   Y_h = T_h^T V_h,
       R = S + Y O + o,   Z = LayerNorm(R),   H = Z A + a,   S' = R + act(H) B + b

   S is (m, D), W (D, 3D), O (D, D), A (D, F), B (F, D). w and o are null where there are none. D
   and F must be multiples of LANES, heads of multiples of 8 rows. Logits have their queries along
   vector registers, padded to a multiple of LANES, so that no sum runs across a register. X,
   [Q K V], T, Z and H are formed again for the gradient rather than kept. */

#include "kernel.h"

/* The places of weights in an array of pointers; those that are turned are transposes. */
enum {
    GAIN,
    BIAS,
    W,
    W_BIAS,
    O,
    O_BIAS,
    SECOND_GAIN,
    SECOND_BIAS,
    A,
    A_BIAS,
    B,
    B_BIAS,
    TURNED_W,
    TURNED_O,
    TURNED_A,
    TURNED_B
};

INLINE vector pick(integers mask, vector a, vector b) {
    return (vector)((mask & (integers)a) | (~mask & (integers)b));
}

/* e^x to a relative error of 2e-7, and e^-87 below that. */
INLINE vector exponential(vector x) {
    const vector round = (vector){0} + 12582912.0f; /* 1.5 2^23, which leaves no room for digits */
    x = pick(x < -87.0f, (vector){0} - 87.0f, x);   /* what is no number stays none */
    x = pick(x > 88.0f, (vector){0} + 88.0f, x);
    const vector n = (x * 1.44269504f + round) - round;
    const vector r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    vector sum = r * (1.0f / 720) + 1.0f / 120;
    sum = sum * r + 1.0f / 24;
    sum = sum * r + 1.0f / 6;
    sum = sum * r + 0.5f;
    sum = sum * r + 1.0f;
    sum = sum * r + 1.0f;
    const integers power = (__builtin_convertvector(n, integers) + 127) << 23;
    return sum * (vector)power;
}

/* x Phi(x) and its derivative, Phi(x) + x phi(x), for the normal distribution function Phi by
   formula 7.1.26 of Abramowitz and Stegun, to 1e-7. */
INLINE void gelu(vector x, vector *value, vector *slope) {
    const vector size = pick(x < 0.0f, -x, x), density = exponential(-0.5f * x * x);
    const vector t = 1.0f / (1.0f + (0.3275911f * 0.70710678f) * size);
    vector tail = t * 1.061405429f - 1.453152027f;
    tail = tail * t + 1.421413741f;
    tail = tail * t - 0.284496736f;
    tail = 0.5f * (tail * t + 0.254829592f) * t * density;
    const vector below = pick(x < 0.0f, tail, 1.0f - tail);
    *value = x * below;
    *slope = below + x * density * 0.39894228f;
}

/* act(h), and where slopes are wanted its derivative. */
static void activate(long count, int relu, const float *h, float *value, float *slope) {
    for (long i = 0; i < count; i += LANES) {
        const vector x = *(const vector *)(h + i);
        vector v, s;
        if (relu) {
            const integers on = x > 0.0f;
            v = pick(on, x, (vector){0});
            s = pick(on, (vector){0} + 1.0f, (vector){0});
        } else {
            gelu(x, &v, &s);
        }
        *(vector *)(value + i) = v;
        if (slope) *(vector *)(slope + i) = s;
    }
}

/* The transpose (p, mp) of m rows of a, which are apart by s; columns beyond m are 0. */
static void transpose(int m, int mp, int p, const float *a, long s, float *t) {
    for (int j = 0; j < p; j++) {
        for (int i = 0; i < m; i++) t[j * mp + i] = a[i * s + j];
        for (int i = m; i < mp; i++) t[j * mp + i] = 0;
    }
}

/* T (m, mp), the weights of m keys for each query, from the keys and the transposed queries. */
static void weigh(int m, int mp, int p, float scale, const float *k, long s, const float *qt,
                  float *T) {
    product(m, p, mp, k, s, 1, qt, mp, T, mp, 0);
    for (int j = 0; j < mp; j += LANES) {
        vector most = *(vector *)(T + j), sum = {0};
        for (int i = 1; i < m; i++) {
            const vector x = *(vector *)(T + i * mp + j);
            most = pick(x > most, x, most);
        }
        for (int i = 0; i < m; i++) {
            vector *x = (vector *)(T + i * mp + j);
            *x = exponential(scale * (*x - most));
            sum += *x;
        }
        sum = 1.0f / sum;
        for (int i = 0; i < m; i++) *(vector *)(T + i * mp + j) *= sum;
    }
}

/* Y from u = [Q K V]; qt has room for p mp numbers, T for m mp. */
static void attend(int m, int mp, int D, int p, float scale, const float *u, float *y, float *qt,
                   float *T) {
    const long s = 3 * D;
    for (int h = 0; h < D; h += p) {
        transpose(m, mp, p, u + h, s, qt);
        weigh(m, mp, p, scale, u + D + h, s, qt, T);
        product(m, m, p, T, 1, mp, u + 2 * D + h, s, y + h, D, 0);
    }
}

/* d[Q K V] from dY; qt has room for p mp numbers, T and dT for m mp each. */
static void attend_gradient(int m, int mp, int D, int p, float scale, const float *u,
                            const float *dy, float *du, float *qt, float *T, float *dT) {
    const long s = 3 * D;
    for (int h = 0; h < D; h += p) {
        const float *q = u + h, *k = q + D, *v = k + D;
        transpose(m, mp, p, q, s, qt);
        weigh(m, mp, p, scale, k, s, qt, T);
        product(m, m, p, T, mp, 1, dy + h, D, du + 2 * D + h, s, 0);
        transpose(m, mp, p, dy + h, D, qt);
        product(m, p, mp, v, s, 1, qt, mp, dT, mp, 0);
        for (int j = 0; j < mp; j += LANES) {
            vector dot = {0};
            for (int i = 0; i < m; i++)
                dot += *(vector *)(T + i * mp + j) * *(vector *)(dT + i * mp + j);
            for (int i = 0; i < m; i++) {
                vector *d = (vector *)(dT + i * mp + j);
                *d = scale * *(vector *)(T + i * mp + j) * (*d - dot);
            }
        }
        product(m, m, p, dT, 1, mp, k, s, du + h, s, 0);
        product(m, m, p, dT, mp, 1, q, s, du + D + h, s, 0);
    }
}

/* Tokens that fill vector registers. */
static int padded(int m) { return (m + LANES - 1) / LANES * LANES; }

/* Numbers in a thread's slice of scratch. */
static long slice(int m, int D, int F) {
    return (long)m * (10 * D + 4 * F + 2 * padded(m)) + D * padded(m);
}

/* X and u of one prompt. */
static void project(int m, int D, const float *const *weights, const float *s, float *x, float *u) {
    const float *w = weights[W_BIAS];
    layer_norm(m, D, s, weights[GAIN], weights[BIAS], x);
    if (w) repeat(m, 3 * D, w, u);
    product(m, D, 3 * D, x, D, 1, weights[W], 3 * D, u, 3 * D, w != 0);
}

/* Z and H of one prompt. */
static void hide(int m, int D, int F, const float *const *weights, const float *r, float *z,
                 float *h) {
    layer_norm(m, D, r, weights[SECOND_GAIN], weights[SECOND_BIAS], z);
    repeat(m, F, weights[A_BIAS], h);
    product(m, D, F, z, D, 1, weights[A], F, h, F, 1);
}

/* Y, R and S' of one prompt, from its stream. */
static void one(int m, int D, int p, int F, int relu, float scale, const float *const *weights,
                const float *s, float *y, float *r, float *out, float *x) {
    const int mp = padded(m);
    float *u = x + m * D, *h = u + 3 * m * D, *g = h + m * F, *T = g + m * F, *qt = T + m * mp;
    const float *o = weights[O_BIAS];
    project(m, D, weights, s, x, u);
    attend(m, mp, D, p, scale, u, y, qt, T);
    if (o)
        residual(m, D, s, o, r);
    else
        __builtin_memcpy(r, s, sizeof(float) * m * D);
    product(m, D, D, y, D, 1, weights[O], D, r, D, 1);
    hide(m, D, F, weights, r, x, h);
    activate((long)m * F, relu, h, g, 0);
    residual(m, D, r, weights[B_BIAS], out);
    product(m, F, D, g, F, 1, weights[B], D, out, D, 1);
}

/* dS of one prompt from dS' = dout; the sums grow, which lie in the order of the weights. */
static void one_gradient(int m, int D, int p, int F, int relu, float scale,
                         const float *const *weights, const float *s, const float *y,
                         const float *r, const float *dout, float *ds, float *sums, float *x) {
    const int mp = padded(m), t = 3 * D;
    const long rows = (long)m * D, hidden = (long)m * F;
    float *dy = x + rows, *du = dy + rows, *dr = du + 3 * rows, *dz = dr + rows;
    float *u = dz + rows, *h = u + 3 * rows, *g = h + hidden, *slope = g + hidden,
          *dh = slope + hidden;
    float *T = dh + hidden, *dT = T + m * mp, *qt = dT + m * mp;
    float *dgain = sums, *dbias = dgain + D, *dW = dbias + D, *dw = dW + D * t, *dO = dw + t;
    float *d_o = dO + D * D, *dgain2 = d_o + D, *dbias2 = dgain2 + D, *dA = dbias2 + D;
    float *da = dA + D * F, *dB = da + F, *db = dB + F * D;

    hide(m, D, F, weights, r, x, h);
    activate(hidden, relu, h, g, slope);
    product(F, m, D, g, 1, F, dout, D, dB, D, 1);
    add_rows(m, D, dout, db);
    product(m, D, F, dout, D, 1, weights[TURNED_B], F, dh, F, 0);
    for (long i = 0; i < hidden; i++) dh[i] *= slope[i];
    product(D, m, F, x, 1, D, dh, F, dA, F, 1);
    add_rows(m, F, dh, da);
    product(m, F, D, dh, F, 1, weights[TURNED_A], D, dz, D, 0);
    __builtin_memcpy(dr, dout, sizeof(float) * rows);
    layer_norm_gradient(m, D, r, weights[SECOND_GAIN], dz, dr, dgain2, dbias2);

    project(m, D, weights, s, x, u);
    product(m, D, D, dr, D, 1, weights[TURNED_O], D, dy, D, 0);
    attend_gradient(m, mp, D, p, scale, u, dy, du, qt, T, dT);
    product(D, m, D, y, 1, D, dr, D, dO, D, 1);
    add_rows(m, D, dr, d_o);
    product(D, m, t, x, 1, D, du, t, dW, t, 1);
    add_rows(m, t, du, dw);
    product(m, t, D, du, t, 1, weights[TURNED_W], D, dz, D, 0);
    __builtin_memcpy(ds, dr, sizeof(float) * rows);
    layer_norm_gradient(m, D, s, weights[GAIN], dz, ds, dgain, dbias);
}

/* S' of count prompts and, for the gradient, Y and R of every token. Each of the threads has a
   slice of scratch. */
void encoder_forward(int threads, int count, int m, int D, int p, int F, int relu, float scale,
                     const float *const *weights, const float *stream, float *y, float *r,
                     float *result, float *scratch) {
    const long size = (long)m * D;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int b = 0; b < count; b++)
        one(m, D, p, F, relu, scale, weights, stream + b * size, y + b * size, r + b * size,
            result + b * size, scratch + slice(m, D, F) * omp_get_thread_num());
}

/* dS of count prompts; a row of sums, zero at first, for every CHUNK of them. */
void encoder_backward(int threads, int count, int m, int D, int p, int F, int relu, float scale,
                      const float *const *weights, const float *stream, const float *y,
                      const float *r, const float *dresult, float *dstream, float *sums,
                      float *scratch) {
    const long size = (long)m * D, row = 4 * D * D + 2 * D * F + 9 * D + F;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int chunk = 0; chunk < (count + CHUNK - 1) / CHUNK; chunk++)
        for (int b = chunk * CHUNK; b < least(count, (chunk + 1) * CHUNK); b++)
            one_gradient(m, D, p, F, relu, scale, weights, stream + b * size, y + b * size,
                         r + b * size, dresult + b * size, dstream + b * size, sums + chunk * row,
                         scratch + slice(m, D, F) * omp_get_thread_num());
}
