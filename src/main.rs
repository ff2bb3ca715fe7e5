//! Hands over to the command line and exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(2);
    if let (Some(wid), Some(folder)) = (words.next(), words.next()) {
        lockfuzz::worker::process::work(&wid, folder.as_ref(), &lockfuzz::lock::ALL).unwrap();
    }
    ExitCode::SUCCESS
}
