//! A point in time of a schedule, kept as an integer.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A time, or a length of time, in whole microseconds.
///
/// Integers, so that three steps of 0.1 s are 0.3 s and never 0.30000000000000004. Printed and
/// saved in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The beginning.
    pub const ZERO: Time = Time(0);
    /// The longest time that a schedule may name: a year. It keeps every sum far from overflow.
    pub const MAX: Time = Time(31_536_000_000_000);

    /// A time of so many microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Time(micros)
    }

    /// The number of whole microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Seconds, rounded to the microsecond.
    ///
    /// # Errors
    /// [`BadTime`] when the number is negative, not a number, or more than [`Time::MAX`].
    pub fn from_secs(secs: f64) -> Result<Self, BadTime> {
        let micros = (secs * 1e6).round();
        if (0.0..=Time::MAX.0 as f64).contains(&micros) { Ok(Time(micros as u64)) } else { Err(BadTime) }
    }

    /// Seconds, for JSON and for arithmetic that may round.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl std::ops::Add for Time {
    type Output = Time;
    fn add(self, other: Time) -> Time {
        Time(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Time {
    type Output = Time;
    fn sub(self, other: Time) -> Time {
        Time(self.0.saturating_sub(other.0))
    }
}

impl std::ops::Mul<u64> for Time {
    type Output = Time;
    fn mul(self, times: u64) -> Time {
        Time(self.0.saturating_mul(times))
    }
}

impl From<Time> for Duration {
    fn from(time: Time) -> Duration {
        Duration::from_micros(time.0)
    }
}

impl From<Duration> for Time {
    fn from(duration: Duration) -> Time {
        Time(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

/// Four decimals, or as many as the time needs.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if micros.is_multiple_of(100) {
            write!(f, "{secs}.{:04}", micros / 100)
        } else {
            write!(f, "{secs}.{micros:06}")
        }
    }
}

impl FromStr for Time {
    type Err = BadTime;
    fn from_str(text: &str) -> Result<Self, BadTime> {
        text.parse().map_err(|_| BadTime).and_then(Time::from_secs)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_secs())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Time::from_secs(f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Not a time that a schedule may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is a number of seconds from 0 to 31536000")]
pub struct BadTime;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_stay_tenths() {
        let step = Time::from_secs(0.1).unwrap();
        let printed: Vec<String> = (0..4).map(|k| (step * k).to_string()).collect();
        assert_eq!(printed, ["0.0000", "0.1000", "0.2000", "0.3000"]);
        assert_eq!(serde_json::to_string(&(step * 3)).unwrap(), "0.3");
    }

    #[test]
    fn a_printed_time_reads_back_as_itself() {
        for micros in [0, 1, 99, 100, 500, 1_000_001, 123_456_789, Time::MAX.0] {
            let time = Time::from_micros(micros);
            assert_eq!(time.to_string().parse(), Ok(time));
            let json = serde_json::to_string(&time).unwrap();
            assert_eq!(serde_json::from_str::<Time>(&json).unwrap(), time);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["-1", "NaN", "inf", "1e300", "soon", ""] {
            assert_eq!(text.parse::<Time>(), Err(BadTime), "{text:?}");
        }
    }
}
