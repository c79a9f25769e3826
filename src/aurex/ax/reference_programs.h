#pragma once

// The programs of the language reference, word for word, and one that uses every rule of the grammar: what the tests of
// parser, printer and grammar feed on.

#include <ostream>
#include <string_view>

namespace aurex::ax {

struct NamedProgram {
  std::string_view name;
  std::string_view text;
};

inline void PrintTo(const NamedProgram& program, std::ostream* out) { *out << program.name; }

inline constexpr NamedProgram kReferencePrograms[] = {
    {"Add", R"ax(
kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }
)ax"},
    {"Matmul", R"ax(
kernel matmul(a: T[M, K], b: T[K, N]) -> (c: T[M, N]) {
  parallel m in M, n in N { c[m, n] = sum(a[m, K] * b[K, n], K) }          // a sum of products over a shared axis IS a contraction
}
)ax"},
    {"Softmax", R"ax(
kernel softmax(x: T[R..., C]) -> (y: T[R..., C]) {                           // any rank
  parallel r in R {
    let e = exp(x[r, C] - max(x[r, C], C))                                  // a dimension as an index: the whole axis
    let inv = 1 / sum(e, C)
    y[r, C] = e * inv
  }
}
)ax"},
    {"LayerNorm", R"ax(
kernel layer_norm(x: T[R..., C], w: T[C] = 1, b: T[C] = 0, eps: float = 1e-5) -> (y: T[R..., C]) {
  parallel r in R {
    let d = x[r, C] - mean(x[r, C], C)
    y[r, C] = d * rsqrt(mean(d * d, C) + eps) * w[C] + b[C]
  }
}
)ax"},
    {"Gelu", R"ax(
fn gelu(x) = 0.5 * x * (1 + erf(x * 0.7071067811865476))
kernel gelu(x) = gelu(x)                                                     // expression kernel: any rank, NumPy broadcasting
)ax"},
    {"Linear", R"ax(
kernel linear(x: T[R..., K], w: U[N, K], b: T[N] = 0) -> (y: T[R..., N]) {   // U: any storage type, q4_k included
  parallel r in R, n in N { y[r, n] = sum(x[r, K] * w[n, K], K) + b[n] }
}
)ax"},
    {"Attention", R"ax(
kernel attention(q: T[B, (G, J), S, D], k: T[B, G, L, D], v: T[B, G, L, D], scale: float, const causal: bool = false) -> (o: T[B, (G, J), S, D]) {
  parallel b in B by 1, g in G by 1, j in J, s in S {                        // J query heads share a key head
    var top[j, s] = -inf;  var norm[j, s] = 0;  var acc[j, s, D] = 0
    for t in L until (causal ? L - S + s + 1 : L) {                          // every s has its own bound
      let z    = sum(q[b, g, j, s, D] * k[b, g, t, D], D) * scale            // [j, s, t]
      let new  = maximum(top, max(z, t))
      let p    = exp(z - new)
      let keep = exp(top - new)
      norm = norm * keep + sum(p, t)
      acc  = acc * keep + sum(p * v[b, g, t, D], t)
      top  = new
    }
    o[b, g, j, s, D] = norm > 0 ? acc / norm : 0                             // a row that sees no key
  }
}
)ax"},
    {"Q40", R"ax(
format q4_0 {
  block n: 2, l: 16                                   // sub-axes of the block, last fastest: element = 16 n + l
  d: f16;  qs: u8[16]
  value = d * (bits(qs[l], 4 * n, 4) - 8)
}
)ax"},
    {"Q6K", R"ax(
format q6_k {
  block h: 2, u: 2, n: 2, l: 32
  ql: u8[2, 2, 32];  qh: u8[2, 32];  sc: i8[2, 2, 2, 2];  d: f16
  value = d * sc[h, u, n, l >> 4] * (bits(ql[h, n, l], 4 * u, 4) + 16 * bits(qh[h, l], 4 * u + 2 * n, 2) - 32)
}
)ax"},
    {"Nf4", R"ax(
format nf4(B: 64) {
  block j: div(B, 2), n: 2                            // first element in the high nibble
  code: u8[div(B, 2)];  absmax: f32 separate          // its own array, one entry per block
  value = absmax * levels[bits(code[j], 4 - 4 * n, 4)]
  levels = [-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022833234,
            -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
            0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1]
}
)ax"},
    {"ShortAttention", R"ax(
kernel attention(q: T[S, D], k: T[L, D], v: T[L, D], scale: float) -> (o: T[S, D]) {
  parallel s in S {
    let t in L
    let z = sum(q[s, D] * k[t, D], D) * scale
    let e = exp(z - max(z, t))
    o[s, D] = sum(e * v[t, D], t) / sum(e, t)
  }
}
)ax"},
    {"Schedule", R"ax(
schedule matmul on cpu.avx512 { m = 96 / 12; n = 384 / 32; k = 384; vector n; pack a, b }
)ax"},
    {"Ternary", R"ax(
format tq1_0 {
  fn trit(byte, i) { let p = i == 0 ? 1 : i == 1 ? 3 : i == 2 ? 9 : i == 3 ? 27 : 81; ((byte * p) & 255) * 3 >> 8 }
  part { block i: 5, l: 32; qs: u8[32]; value = d * (trit(qs[l], i) - 1) }
  part { block i: 5, l: 16; qm: u8[16]; value = d * (trit(qm[l], i) - 1) }
  part { block i: 4, l: 4; qh: u8[4]; value = d * (trit(qh[l], i) - 1) }
  d: f16
}
)ax"},
    {"Everything", R"ax(
use "formats.ax"

fn poly(x, a, b) = fma(x, a, b)
fn exp(x: f32) {
  let n = round(x * 1.4426950408889634)
  let r = fma(n, -0.6931471805599453, x)
  ldexp(poly(r, 0.5, 1), i32(n))
}
fn exp(x: f64) { x }

kernel scatter(at: int[N, 2], z: float[N], inout cache: U[M, D], const wrap: bool = true, lo: float = -inf) -> (h: i32[B] = 0, s: wide(T), y: T[N] = 0) : vector where I = div(N + 2, 3) + 1, B = I, N % 2 == 0 {
  scratch mu: f32[N]
  scratch nu: f32[2 * N, B]
  assert N > 0, "needs \"one\" row"
  if target.avx512_vnni {
    parallel n in N { mu[n] = z[n] }
  } else {
    parallel n in N { mu[n] = z[n] * 1 }
  }
  for t in B from 1 until B - 1 by 1 {
    parallel n in N {
      let i in B
      let j = at[n, 0] >> 1 & 0xff | 3 ^ ~4
      var c[n, i] = 0
      while c < 3 { c += 1; c -= 0; c *= 1 }
      if j >= 0 and not j > M or wrap == false { h[j] += 1; h[j] max= 2; h[j] min= 7 } else if j == 9 { y[n] = 1 } else { y[n] = 2 }
      cache[unique at[n, 1], D] = scan_sum(cache[n, D], D)[D = D - 1, n = n] else -1.5e-3
    }
  }
  print(s)
  s = sum(z[N], N)
}

kernel blend(a, b, t = 0.5) = a * (1 - t) + b * t
)ax"},
};

}  // namespace aurex::ax
