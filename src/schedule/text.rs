//! The printed form of a schedule, and the way back.

use std::fmt;
use std::str::FromStr;

use super::{Command, Schedule, Tick, Wid};

/// One line a tick: the time, a tab, the commands.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tick in &self.ticks {
            write!(f, "{}\t[", tick.at)?;
            for (nth, (worker, command)) in tick.commands.iter().enumerate() {
                let comma = if nth == 0 { "" } else { ", " };
                write!(f, "{comma}({worker}, '{}')", command.name())?;
            }
            f.write_str("]\n")?;
        }
        Ok(())
    }
}

/// Reads the printed form; blank lines are passed over, and any white space separates.
impl FromStr for Schedule {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let ticks = lines.map(|(nth, line)| tick(line.trim()).ok_or(BadText { line: nth + 1 }));
        Ok(Schedule { ticks: ticks.collect::<Result<_, _>>()? })
    }
}

fn tick(line: &str) -> Option<Tick> {
    let (at, list) = line.split_once(char::is_whitespace)?;
    let list = list.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let commands = match list {
        "" => Vec::new(),
        _ => list.strip_suffix(')')?.split(')').map(command).collect::<Option<_>>()?,
    };
    Some(Tick { at: at.parse().ok()?, commands })
}

fn command(item: &str) -> Option<(Wid, Command)> {
    let item = item.trim_start_matches([',', ' ']).strip_prefix('(')?;
    let (worker, word) = item.split_once(',')?;
    let command = match word.trim() {
        "'write'" => Command::Write,
        "'read'" => Command::Read,
        "'exit'" => Command::Exit,
        _ => return None,
    };
    Some((worker.trim().parse().ok()?, command))
}

/// A line that is not a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not a tick: expected a time and a list such as [(1, 'write'), (2, 'read')]")]
pub struct BadText {
    /// Which line, counted from 1.
    pub line: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Time, original};

    #[test]
    fn printed_and_parsed_back() {
        let schedule = original(7, Time::from_micros(730));
        assert_eq!(schedule.to_string().parse(), Ok(schedule));
        assert_eq!("0.0\t[]".parse::<Schedule>().unwrap().to_string(), "0.0000\t[]\n");
    }

    #[test]
    fn a_bad_line_is_named() {
        for bad in [
            "0.0",
            "x [(1, 'write')]",
            "0 (1, 'write')",
            "0 [(1 'write')]",
            "0 [(1, 'wrote')]",
            "0 [(x, 'read')]",
        ] {
            let text = format!("0.0 [(1, 'write')]\n\n{bad}");
            assert_eq!(text.parse::<Schedule>(), Err(BadText { line: 3 }), "{bad}");
        }
    }
}
