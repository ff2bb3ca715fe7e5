//! The crate fs2: flock on a file that stays. Broken: asks once, and does not look what the answer is.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use fs2::FileExt;

fn main() -> io::Result<()> {
    let me = std::env::var("LOCKFUZZ_WORKER").map_err(io::Error::other)?;
    let broken = std::env::args().nth(1).is_some();

    let lock = File::options().write(true).create(true).truncate(false).open("lock")?;
    if broken {
        let _ = FileExt::try_lock_exclusive(&lock);
    } else {
        FileExt::lock_exclusive(&lock)?;
    }

    let _ = Path::new("lockfuzz:enter").exists();
    fs::write("cache", &me)?;
    let seen = fs::read_to_string("cache")?;
    let _ = Path::new("lockfuzz:leave").exists();
    FileExt::unlock(&lock)?;

    if seen != me {
        eprintln!("worker {me} read back {seen:?}");
        std::process::exit(1);
    }
    Ok(())
}
