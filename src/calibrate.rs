//! Is the file system fast enough for this period?

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cache::{Identity, SharedFile};
use crate::error::Error;
use crate::schedule::Time;

/// How many rounds of write and read are measured.
pub const ROUNDS: u32 = 1000;
/// How often all of them are measured again while they are too slow. A slow file system is slow every
/// time; a machine that had something else to do for a moment is not.
const AGAIN: u32 = 5;

/// What was measured, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// The longest of [`ROUNDS`] rounds.
    pub worst: Time,
    /// The period to be used.
    pub period: Time,
}

impl Calibration {
    /// A round must stay under a tenth of the period; otherwise the period becomes a hundred of the
    /// worst.
    fn new(worst: Time, wanted: Time) -> Self {
        let period = if worst * 10 < wanted { wanted } else { worst * 100 };
        Calibration { worst, period }
    }
}

/// Writes and reads a file in `folder` many times.
///
/// # Errors
/// [`Error::Folder`] when that cannot be done.
pub fn calibrate(folder: &Path, wanted: Time) -> Result<Calibration, Error> {
    let failed = |source| Error::Folder { path: folder.to_owned(), source };
    let path = folder.join("calibrate.json");
    let file = SharedFile::at(path.clone());
    let mut best = Calibration::new(worst_of_all(&file).map_err(failed)?, wanted);
    for _ in 0..AGAIN {
        if best.period == wanted {
            break;
        }
        let again = Calibration::new(worst_of_all(&file).map_err(failed)?, wanted);
        best = if again.worst < best.worst { again } else { best };
    }
    std::fs::remove_file(path).map_err(failed)?;
    Ok(best)
}

fn worst_of_all(file: &SharedFile) -> std::io::Result<Time> {
    let mut worst = Duration::ZERO;
    for wid in 1..=ROUNDS {
        let start = Instant::now();
        file.write(Identity { pid: std::process::id(), tid: 0, wid })?;
        file.read()?;
        worst = worst.max(start.elapsed());
    }
    Ok(Time::from(worst))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_file_system_raises_the_period() {
        let period = |worst, wanted| {
            Calibration::new(Time::from_micros(worst), Time::from_micros(wanted)).period.as_micros()
        };
        assert_eq!(period(99, 1000), 1000);
        assert_eq!(period(100, 1000), 10_000);
        assert_eq!(period(5000, 20_000), 500_000);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_and_nothing_stays_behind() {
        let folder = tempfile::tempdir().unwrap();
        assert!(calibrate(&folder.path().join("none"), Time::from_micros(1)).is_err());
        calibrate(folder.path(), Time::from_micros(1)).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
