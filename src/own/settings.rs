//! How much is tried, and out of which seed: proptest's variables.

use super::Own;
use super::words::Trouble;

/// How many cases, when nobody says.
const CASES: u64 = 256;

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) cases: u64,
    pub(super) seed: u64,
}

impl Settings {
    pub(super) fn of(own: &Own) -> Result<Settings, Trouble> {
        // Read in any case: one that is not a number is an error also where it would not count.
        let cases = number("PROPTEST_CASES", 1)?;
        let seed = number("PROPTEST_RNG_SEED", 0)?;
        Ok(Settings {
            cases: own.cases.or(cases).unwrap_or(CASES),
            seed: own.seed.or(seed).unwrap_or_else(|| u64::from(rand::random::<u32>())),
        })
    }
}

fn number(name: &str, least: u64) -> Result<Option<u64>, Trouble> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    let number = value.to_str().and_then(|text| text.trim().parse().ok()).filter(|&number| number >= least);
    let wrong = || Trouble(format!("{name}={}: a whole number is needed, at least {least}", value.display()));
    number.ok_or_else(wrong).map(Some)
}
