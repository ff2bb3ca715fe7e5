//! Where all randomness comes from.

use rand::rngs::ChaCha12Rng;
use rand::{Rng, SeedableRng};

/// Random numbers that are the same for the same seed: on every machine, and in every later version.
///
/// rand promises that of the ChaCha generators by name; of `StdRng` and of its ranges it does not.
pub(super) struct Dice(ChaCha12Rng);

impl Dice {
    /// `stream` keeps apart those that share a seed.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&stream.to_le_bytes());
        Dice(ChaCha12Rng::from_seed(key))
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Each of `0..n` as likely as the others.
    ///
    /// # Panics
    /// For `n` = 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        // The last round of 0..n is incomplete and would favour the small ones.
        let fair = u64::MAX - u64::MAX % n;
        loop {
            let number = self.number();
            if number < fair {
                return (number % n) as usize;
            }
        }
    }

    /// An index with odds in proportion to `weights`; none when all of them are zero.
    pub(super) fn weighted(&mut self, weights: &[u32]) -> Option<usize> {
        let sum: usize = weights.iter().map(|&weight| weight as usize).sum();
        let mut left = if sum == 0 { return None } else { self.below(sum) };
        weights.iter().position(|&weight| {
            let found = left < weight as usize;
            left = left.wrapping_sub(weight as usize);
            found
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_stay_what_they_are() {
        let mut dice = Dice::new(1, 0);
        let thrown: Vec<_> = (0..12).map(|_| dice.below(6)).collect();
        assert_eq!(thrown, THROWN, "saved seeds would no longer mean what they meant");
    }

    const THROWN: [usize; 12] = [4, 0, 1, 3, 0, 0, 0, 1, 0, 0, 2, 2];

    #[test]
    fn weights_are_odds() {
        let mut dice = Dice::new(1, 0);
        let mut drawn = [0; 3];
        for _ in 0..4_000 {
            drawn[dice.weighted(&[1, 0, 3]).unwrap()] += 1;
        }
        // 1000 expected, deviation 27.
        assert!((900..1100).contains(&drawn[0]) && drawn[1] == 0, "{drawn:?}");
        assert_eq!(dice.weighted(&[0, 0]), None);
    }
}
