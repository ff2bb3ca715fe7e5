//! The shared file, and the identity that a worker writes into it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Who a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Process id.
    pub pid: u32,
    /// Thread id, as the kernel counts threads.
    pub tid: u32,
    /// Worker number.
    pub wid: u32,
}

/// What a reader found. Whatever is in the file is an observation, and no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A whole identity.
    Identity(Identity),
    /// So many bytes that are no identity.
    Torn(u64),
    /// No file.
    Missing,
}

/// The file that the workers share: a cache of one entry, as JSON.
#[derive(Clone, Debug)]
pub struct SharedFile {
    path: PathBuf,
}

/// An identity is never longer than this.
const LONGEST: usize = 256;

impl SharedFile {
    /// The file at this path, which need not exist yet.
    pub fn at(path: PathBuf) -> Self {
        SharedFile { path }
    }

    /// Truncates the file, or creates it, and writes an identity.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, identity: Identity) -> io::Result<()> {
        let json = serde_json::to_vec(&identity)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&self.path)?;
        file.write_all(&json)
    }

    /// Reads what is there now.
    ///
    /// # Errors
    /// What the file system says, save that there is no file.
    pub fn read(&self) -> io::Result<Found> {
        let mut file = match File::open(&self.path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            opened => opened?,
        };
        let mut buffer = [0; LONGEST];
        let mut held = 0;
        let mut length: u64 = 0;
        loop {
            let room = if held < LONGEST { held } else { 0 };
            match file.read(&mut buffer[room..]) {
                Ok(0) => break,
                Ok(count) => {
                    length += count as u64;
                    held = (room + count).max(held);
                }
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        let whole = (length <= LONGEST as u64).then(|| serde_json::from_slice(&buffer[..held]).ok());
        Ok(whole.flatten().map_or(Found::Torn(length), Found::Identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_file_is_an_observation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.json");
        let file = SharedFile::at(path.clone());
        assert_eq!(file.read().unwrap(), Found::Missing);
        let identity = Identity { pid: u32::MAX, tid: u32::MAX, wid: u32::MAX };
        file.write(identity).unwrap();
        assert_eq!(file.read().unwrap(), Found::Identity(identity));
        for (text, bytes) in [("", 0), ("{\"pid\":1,\"tid\":2", 16), ("{\"pid\":1}", 9), ("nonsense", 8)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(file.read().unwrap(), Found::Torn(bytes), "{text:?}");
        }
        std::fs::write(&path, vec![b' '; 100_000]).unwrap();
        assert_eq!(file.read().unwrap(), Found::Torn(100_000));
        file.write(Identity { pid: 1, tid: 2, wid: 3 }).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), r#"{"pid":1,"tid":2,"wid":3}"#);
    }
}
