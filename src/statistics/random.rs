//! Random numbers that depend on nothing but what they are for: the seed, the subject and the
//! purpose. There is no other source of them, so the same request gives the same bits for ever.

use sha2::{Digest as _, Sha256};

/// What random numbers are for. Two purposes share no numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Resampled days of one variant.
    Bootstrap,
    /// Trades of one variant in another order.
    TradeShuffle,
    /// Trades of one variant entered at other times.
    RandomEntry,
    /// Resampled days of all variants of a bundle.
    RealityCheck,
}

impl Purpose {
    /// Part of the key, so it never changes.
    fn tag(self) -> u8 {
        match self {
            Self::Bootstrap => 1,
            Self::TradeShuffle => 2,
            Self::RandomEntry => 3,
            Self::RealityCheck => 4,
        }
    }
}

/// A stream of random numbers: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, 2011), keyed by the
/// SHA-256 of seed, purpose and subject.
#[derive(Debug, Clone)]
pub struct Random {
    key: [u32; 2],
    /// The upper half of the counter; differs between streams as the key does.
    stream: [u32; 2],
    /// The lower half of the counter: blocks drawn so far.
    block: u64,
    /// The second half of the last block, if it was not given out yet.
    spare: Option<u64>,
}

impl Random {
    /// The stream for `purpose` of `subject`, which is the hash of a variant, or empty for what
    /// concerns a bundle.
    #[must_use]
    pub fn new(seed: u64, subject: &[u8], purpose: Purpose) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update([purpose.tag()]);
        hash.update(subject);
        let digest: [u8; 32] = hash.finalize().into();
        let mut words = digest.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word));
        let mut pair = || [words.next().unwrap_or_default(), words.next().unwrap_or_default()];
        Self { key: pair(), stream: pair(), block: 0, spare: None }
    }

    /// A number of 64 independent bits.
    pub fn u64(&mut self) -> u64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let [low, high] = halves(self.block);
        let [upper_low, upper_high] = self.stream;
        let [a, b, c, d] = philox([low, high, upper_low, upper_high], self.key);
        self.block = self.block.wrapping_add(1);
        self.spare = Some(join(c, d));
        join(a, b)
    }

    /// A number from 0 up to, and without, 1: one of 2^53 equally spaced ones.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub fn f64(&mut self) -> f64 {
        (self.u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number from 0 up to, and without, `bound`, each with exactly the same probability (Lemire,
    /// 2019); 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        let Some(uneven) = bound.wrapping_neg().checked_rem(bound) else { return 0 };
        loop {
            let (low, high) = self.u64().carrying_mul(bound, 0);
            if low >= uneven {
                return usize::try_from(high).unwrap_or(usize::MAX);
            }
        }
    }

    /// Brings `items` into one of all their orders, each with the same probability (Fisher and
    /// Yates, 1938).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for unplaced in (2..=items.len()).rev() {
            items.swap(unplaced - 1, self.below(unplaced));
        }
    }
}

/// The ten rounds of Philox on four words of 32 bits.
fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut left, mut right]) = (counter, key);
    for _ in 0..10 {
        let (low_a, high_a) = a.carrying_mul(0xD251_1F53, 0);
        let (low_c, high_c) = c.carrying_mul(0xCD9E_8D57, 0);
        (a, b, c, d) = (high_c ^ b ^ left, low_c, high_a ^ d ^ right, low_a);
        left = left.wrapping_add(0x9E37_79B9);
        right = right.wrapping_add(0xBB67_AE85);
    }
    [a, b, c, d]
}

/// The lower and the higher 32 bits.
fn halves(number: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}

/// The inverse of [`halves`].
fn join(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_answers() {
        // From `kat_vectors` of the authors' Random123.
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn a_stream_is_the_same_for_ever() {
        // Computed by another implementation of SHA-256 and Philox.
        let expected = [
            0xffd6_3379_2bbc_a1cd,
            0xacb7_65fd_1c82_a9c6,
            0x6005_6647_4884_df5e,
            0xa110_6bc2_1813_bf3e,
        ];
        let mut random = Random::new(1, &[7; 32], Purpose::Bootstrap);
        assert_eq!(std::array::from_fn(|_| random.u64()), expected);
    }

    #[test]
    fn seed_subject_and_purpose_each_make_another_stream() {
        let first = |seed, subject: &[u8], purpose| Random::new(seed, subject, purpose).u64();
        let streams = [
            first(1, b"a", Purpose::Bootstrap),
            first(2, b"a", Purpose::Bootstrap),
            first(1, b"b", Purpose::Bootstrap),
            first(1, b"a", Purpose::TradeShuffle),
            first(1, b"a", Purpose::RandomEntry),
            first(1, b"a", Purpose::RealityCheck),
        ];
        let different: std::collections::BTreeSet<u64> = streams.into_iter().collect();
        assert_eq!(different.len(), streams.len());
    }

    /// Σ (found − expected)² / expected over equally likely cells.
    fn chi_square(cells: &[u32], draws: u32) -> f64 {
        let expected = f64::from(draws) / f64::from(u32::try_from(cells.len()).unwrap());
        cells.iter().map(|&found| (f64::from(found) - expected).powi(2) / expected).sum()
    }

    #[test]
    fn numbers_below_a_bound_are_equally_likely() {
        let mut random = Random::new(3, b"", Purpose::RandomEntry);
        let mut cells = [0; 10];
        for _ in 0..100_000 {
            cells[random.below(10)] += 1;
        }
        // 99.9 % of chi-square with 9 degrees of freedom lie below 27.88, 0.1 % below 1.15.
        let found = chi_square(&cells, 100_000);
        assert!((1.15..27.88).contains(&found), "{found}");
        assert_eq!(random.below(1), 0);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn fractions_are_spread_evenly_also_in_pairs() {
        let mut random = Random::new(4, b"", Purpose::Bootstrap);
        let mut cells = [0; 100];
        let mut sum = 0.0;
        for _ in 0..50_000 {
            let (x, y) = (random.f64(), random.f64());
            assert!((0.0..1.0).contains(&x) && (0.0..1.0).contains(&y));
            sum += x + y;
            let row = (0..10).rfind(|&row| x >= f64::from(row) / 10.0).unwrap();
            let column = (0..10).rfind(|&column| y >= f64::from(column) / 10.0).unwrap();
            cells[usize::try_from(10 * row + column).unwrap()] += 1;
        }
        // 99.9 % of chi-square with 99 degrees of freedom lie below 148.2, 0.1 % below 60.4.
        let found = chi_square(&cells, 50_000);
        assert!((60.4..148.2).contains(&found), "{found}");
        // The mean of 100,000 has a deviation of 0.0009.
        assert!((sum / 100_000.0 - 0.5).abs() < 0.004);
    }

    #[test]
    fn all_orders_are_equally_likely() {
        let mut random = Random::new(5, b"", Purpose::TradeShuffle);
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            random.shuffle(&mut items);
            *seen.entry(items).or_insert(0_u32) += 1;
        }
        let cells: Vec<u32> = seen.into_values().collect();
        assert_eq!(cells.len(), 24);
        // 99.9 % of chi-square with 23 degrees of freedom lie below 49.73, 0.1 % below 7.53.
        let found = chi_square(&cells, 24_000);
        assert!((7.53..49.73).contains(&found), "{found}");
    }
}
